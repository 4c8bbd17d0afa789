"""What reviewers say of the pairs of a study: a file for each, so that nobody overwrites anybody.

Needs nothing beyond Python, so that the module and the page can use it as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from itertools import combinations
from pathlib import Path

from ..errors import InputError
from ..review.table import write_whole
from ..strict_json import Unreadable, read_text

#: Grades, the best first, as the keys 1 to 4 give them.
GRADES: Mapping[int, str] = {
    1: "good",
    2: "usable",
    3: "doubtful",
    4: "failed",
}
#: Ratings of 50,000 pairs with comments are a few MB.
_MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class Rating:
    """What one reviewer says of one pair."""

    #: Its name.
    pair: str
    #: 1 to 4; 0 for none.
    grade: int = 0
    #: "accept", "check", "reject", or "" for none yet.
    verdict: str = ""
    #: In the reviewer's words.
    comment: str = ""
    #: When, ISO 8601, UTC.
    rated: str = ""


class Ratings:
    """The ratings of one reviewer, kept in a file at every change.

    Parameters
    ----------
    folder
        `ratings` of the study.
    reviewer
        Letters, digits and ._-, since the file is called so.

    Raises
    ------
    InputError
        If the name cannot be a file's, or the file cannot be read: nothing is overwritten then.
    """

    def __init__(self, folder: Path, reviewer: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", reviewer):
            raise InputError(
                f"'{reviewer}' cannot be the name of a reviewer's file.",
                "Give --reviewer a name of letters, digits and ._-.",
            )
        self.reviewer = reviewer
        self._file = folder / f"{reviewer}.tsv"
        self._known = read_ratings(self._file) if self._file.exists() else {}

    def of(self, pair: str) -> Rating:
        """Return what is said of a pair so far."""
        return self._known.get(pair, Rating(pair))

    def say(
        self,
        pair: str,
        grade: int | None = None,
        verdict: str | None = None,
        comment: str | None = None,
    ) -> Rating:
        """Change what is said of a pair, None leaving it as it is; return it.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        before = self.of(pair)
        now = Rating(
            pair,
            before.grade if grade is None else grade,
            before.verdict if verdict is None else verdict,
            before.comment if comment is None else comment,
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        if (now.grade, now.verdict, now.comment) != (
            before.grade,
            before.verdict,
            before.comment,
        ):
            self._known[pair] = now
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, _text(self._known).encode("utf-8"))
        return self.of(pair)


def read_ratings(file: Path) -> dict[str, Rating]:
    """Read a reviewer's file.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(file, _MOST_BYTES)), delimiter="\t"))
        return {
            row["pair"]: Rating(
                row["pair"],
                int(row["grade"] or 0),
                row["verdict"] or "",
                row["comment"] or "",
                row["rated"] or "",
            )
            for row in rows
        }
    except (Unreadable, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InputError(
            f"{file} cannot be read as ratings: {error}.", "Move it elsewhere to begin anew."
        ) from error


def all_ratings(folder: Path) -> dict[str, dict[str, Rating]]:
    """Return the ratings of every reviewer of a study, by name.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    return {file.stem: read_ratings(file) for file in sorted(folder.glob("[!.]*.tsv"))}


def cohens_kappa(first: Sequence[int], second: Sequence[int]) -> float | None:
    """Return how far two reviewers agree beyond chance; None where they cannot differ.

    Parameters
    ----------
    first, second
        Grades of the same cases, in the same order.

    Notes
    -----
    kappa = (p_o - p_e) / (1 - p_e), p_o the share of cases with the same grade, p_e that expected
    of their own frequencies. Cohen, Educational and Psychological Measurement 20 (1960).
    """
    count = len(first)
    if count == 0:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    expected = sum(first.count(g) * second.count(g) for g in {*first, *second}) / count**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def fleiss_kappa(cases: Sequence[Sequence[int]]) -> float | None:
    """Return how far several reviewers agree beyond chance; None where they cannot differ.

    Parameters
    ----------
    cases
        The grades of each case, of equally many reviewers, two at least.

    Notes
    -----
    P_i = (sum_g n_ig^2 - n) / (n (n - 1)) is the agreement on a case, p_g the share of a grade
    among all; kappa = (mean P_i - sum p_g^2) / (1 - sum p_g^2). Fleiss, Psychological Bulletin 76
    (1971).
    """
    if not cases or len(cases[0]) < 2:
        return None
    n = len(cases[0])
    grades = {grade for case in cases for grade in case}
    agreed = [(sum(case.count(g) ** 2 for g in grades) - n) / (n * (n - 1)) for case in cases]
    shares = [sum(case.count(g) for case in cases) / (n * len(cases)) for g in grades]
    expected = sum(share**2 for share in shares)
    return None if expected == 1 else (sum(agreed) / len(cases) - expected) / (1 - expected)


@dataclass(frozen=True)
class Agreement:
    """How far the reviewers of a study agree."""

    #: Their names.
    reviewers: tuple[str, ...]
    #: Two reviewers, on how many pairs both gave a grade, and Cohen's kappa.
    pairwise: tuple[tuple[str, str, int, float | None], ...]
    #: Pairs that all have graded.
    common: int
    #: Of these; None where it cannot be said.
    fleiss: float | None
    #: Pairs with their grades by reviewer, those furthest apart first.
    disagreements: tuple[tuple[str, dict[str, int]], ...]


def agreement(ratings: Mapping[str, Mapping[str, Rating]]) -> Agreement:
    """Compare the grades of reviewers."""
    grades = {
        name: {pair: one.grade for pair, one in own.items() if one.grade}
        for name, own in ratings.items()
    }
    pairwise = []
    for one, other in combinations(sorted(grades), 2):
        both = sorted(grades[one].keys() & grades[other].keys())
        kappa = cohens_kappa([grades[one][p] for p in both], [grades[other][p] for p in both])
        pairwise.append((one, other, len(both), kappa))
    names = sorted(grades)
    common = sorted(set.intersection(*(set(own) for own in grades.values()))) if grades else []
    fleiss = fleiss_kappa([[grades[name][pair] for name in names] for pair in common])
    found = []
    for pair in sorted({pair for own in grades.values() for pair in own}):
        given = {name: grades[name][pair] for name in names if pair in grades[name]}
        if len(set(given.values())) > 1:
            found.append((pair, given))
    found.sort(key=lambda one: min(one[1].values()) - max(one[1].values()))
    return Agreement(tuple(names), tuple(pairwise), len(common), fleiss, tuple(found))


def export(ratings: Mapping[str, Mapping[str, Rating]], file: Path) -> int:
    """Write the ratings of all reviewers into one TSV file; return how many.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    names = [each.name for each in fields(Rating)]
    writer.writerow(["reviewer", *names])
    rows = [
        [reviewer, *(getattr(one, name) for name in names)]
        for reviewer, own in sorted(ratings.items())
        for one in own.values()
    ]
    writer.writerows(rows)
    write_whole(file, stream.getvalue().encode("utf-8"))
    return len(rows)


def _text(ratings: Mapping[str, Rating]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    names = [each.name for each in fields(Rating)]
    writer.writerow(names)
    writer.writerows([getattr(one, name) for name in names] for one in ratings.values())
    return stream.getvalue()
