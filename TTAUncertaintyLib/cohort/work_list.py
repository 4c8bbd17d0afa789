"""A study as a work list: what is to be looked at, taken from its table, the worst first.

No bundle is opened for it, and nothing beyond Python is needed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..strict_json import Unreadable, read_text
from .layout import BUNDLE, PAIRS_FOLDER, RATINGS_FOLDER, RESULTS_FILE, STUDY_FILE

_MOST_BYTES = 1 << 30
#: The state of a pair that can be looked at.
DONE = "done"
#: What pairs are ranked by: the first of these that the table has.
RANKED_BY = ("expected_error_p95", "expected_error_mean", "total_p95")


@dataclass(frozen=True)
class Listed:
    """A pair of the list.

    Parameters
    ----------
    name, group, flags, state, reason
        As the table has them.
    folder
        Of its bundle, which is there if it is done.
    rank_mm
        What it is ranked by; None where it has no such value.
    highest_mm
        Highest total uncertainty.
    """

    name: str
    folder: Path
    group: str = ""
    flags: str = ""
    rank_mm: float | None = None
    highest_mm: float | None = None
    state: str = DONE
    reason: str = ""

    def matches(self, text: str) -> bool:
        """Whether its name, group or flags contain every word of a text."""
        words = f"{self.name} {self.group} {'flag' if self.flags else ''} {self.flags}".lower()
        return all(word in words for word in text.lower().split())


def is_study(folder: Path) -> bool:
    """Tell whether a folder is a study's."""
    return (folder / STUDY_FILE).is_file()


def ratings_folder(study: Path) -> Path:
    """Return where the reviewers' files lie."""
    return study / RATINGS_FOLDER


def read_work_list(study: Path) -> list[Listed]:
    """Return the pairs of a study: those that are done, the worst first, and then the others.

    Raises
    ------
    InputError
        If there is no table.
    """
    file = study / RESULTS_FILE
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(file, _MOST_BYTES)), delimiter="\t"))
    except (Unreadable, csv.Error) as error:
        raise InputError(
            f"{file} cannot be read: {error}.",
            f"Write it anew: ttauncertainty cohort status {study}",
        ) from error
    ranked = next((key for key in RANKED_BY if rows and key in rows[0]), "")
    listed = [
        Listed(
            row["pair"],
            study / PAIRS_FOLDER / row["pair"] / BUNDLE,
            row.get("group") or "",
            row.get("flags") or "",
            _number(row, ranked),
            _number(row, "total_maximum"),
            row.get("state") or "",
            row.get("reason") or "",
        )
        for row in rows
        if row.get("pair")
    ]
    return sorted(listed, key=_place)


def _place(one: Listed) -> tuple[bool, float]:
    return one.state != DONE, 1.0 if one.rank_mm is None else -one.rank_mm


def _number(row: Mapping[str, str], name: str) -> float | None:
    try:
        return float(row.get(name) or "")
    except ValueError:
        return None
