"""A study as one reviewer goes through it: the list, and what is said of its pairs."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

from ..errors import InputError
from ..review import Review, Verdict, review_from_json, review_to_json
from ..review.table import write_whole
from ..strict_json import Unreadable, read_text
from .ratings import Rating, Ratings, all_ratings
from .work_list import ratings_folder, read_work_list


class StudyReview:
    """The review of a study by one person, who may or may not ask what others say.

    Parameters
    ----------
    study
        Its folder.
    reviewer
        Whose file is written; the name that the person works under if empty.

    Raises
    ------
    InputError
        If there is no table, or the name is none for a file.
    """

    def __init__(self, study: Path, reviewer: str = "") -> None:
        self.folder = study.absolute()
        self.listed = read_work_list(self.folder)
        self._pairs = {one.folder: one.name for one in self.listed}
        self._ratings = Ratings(ratings_folder(self.folder), reviewer or own_name())

    @property
    def reviewer(self) -> str:
        """Whose review this is."""
        return self._ratings.reviewer

    def rating(self, bundle: Path) -> Rating:
        """Return what is said of a pair, by the folder of its bundle."""
        return self._ratings.of(self._pairs.get(bundle, ""))

    def others(self, bundle: Path) -> dict[str, Rating]:
        """Return what other reviewers say of a pair, by name.

        Raises
        ------
        InputError
            If a file cannot be read.
        """
        pair = self._pairs.get(bundle, "")
        every = all_ratings(ratings_folder(self.folder))
        return {
            name: own[pair] for name, own in every.items() if pair in own and name != self.reviewer
        }

    def grade(self, bundle: Path, grade: int) -> None:
        """Give a pair a grade, 1 to 4; the same again takes it back."""
        pair = self._pairs.get(bundle)
        if pair is not None:
            same = self._ratings.of(pair).grade == grade
            self._ratings.say(pair, grade=0 if same else grade)

    def on_review(self, bundle: Path, review: Review) -> None:
        """Keep what was decided of a registration as a whole."""
        pair = self._pairs.get(bundle)
        if pair is not None:
            verdict = "" if review.verdict is Verdict.OPEN else review.verdict.value
            self._ratings.say(pair, verdict=verdict, comment=review.comment)

    def kept(self, bundle: Path) -> Review | None:
        """Return this person's review of a pair as it was kept; None before there is one.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        file = self.review_file(bundle)
        if file is None or not file.exists():
            return None
        try:
            return review_from_json(read_text(file))
        except Unreadable as error:
            raise InputError(f"{file} cannot be read: {error}.") from error

    def keep(self, bundle: Path, review: Review) -> None:
        """Keep all that was decided of a pair, its hot spots too.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        file = self.review_file(bundle)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, review_to_json(review).encode())
            self.on_review(bundle, review)

    def review_file(self, bundle: Path) -> Path | None:
        """Return where this person's review of a pair lies; None if it is not the study's."""
        pair = self._pairs.get(bundle)
        if pair is None:
            return None
        return ratings_folder(self.folder) / self.reviewer / f"{pair}.json"


def own_name() -> str:
    """Return the name that the person works under on this computer, as a file can be called."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:60] or "reviewer"
