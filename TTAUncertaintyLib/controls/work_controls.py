"""The controls of a work list: several results, the worst first, or a whole study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ..cohort.ratings import GRADES
from ..cohort.reviewing import StudyReview
from ..cohort.work_list import DONE, Listed
from ..errors import TTAUncertaintyError
from ..results import Bundle, MapKind
from ..results.naming import input_name
from ..review import Review, Verdict
from .control import Row as Setting
from .control import controls_of
from .option import Option, Phrase
from .review_view import given
from .table_view import Heading, Row, TableView
from .work_choices import WorkChoices, work_rows

#: Rows that a screen holds: of a study of thousands, those about the one that is shown.
_MOST_ROWS = 200


@dataclass(frozen=True)
class Work:
    """A result of the list."""

    #: Where it lies.
    folder: Path
    #: What it is called, and what is written below that.
    title: str
    below: str = ""
    #: What it is ranked by, and the highest: of its expected error in the anatomy, or where it
    #: has none of its total uncertainty; -1 where it has neither.
    p95_mm: float = -1.0
    highest_mm: float = -1.0
    #: Why it cannot be opened; empty if it can.
    problem: str = ""

    @classmethod
    def of(cls, folder: Path) -> Work:
        """Read what a result folder says of itself."""
        try:
            record = Bundle.open(folder).record
            names = [input_name(record, role) for role in ("moving", "fixed")]
            maps = record["summary"]["maps"]
            kind = MapKind.foremost([each for each in MapKind if each.value in maps])
            found = maps.get(kind.value, {})
        except TTAUncertaintyError as error:
            return cls(folder, folder.name, problem=str(error))
        except (KeyError, TypeError):
            return cls(folder, folder.name, problem=f"{folder} is damaged.")
        p95, highest = float(found.get("p95", -1.0)), float(found.get("maximum", -1.0))
        below = f"{folder.name}, {kind.facts.title.lower()}"
        return cls(folder, " on ".join(names), below, p95, highest)

    @classmethod
    def listed(cls, one: Listed) -> Work:
        """Return a pair of a study, as its table has it: its bundle is not opened."""
        rank, highest = (-1.0 if mm is None else mm for mm in (one.rank_mm, one.highest_mm))
        below = " · ".join(filter(None, (one.group, "flag" if one.flags else "")))
        problem = "" if one.state == DONE else f"{one.state}: {one.reason}".rstrip(": ")
        return cls(one.folder, one.name, below, rank, highest, problem)


@dataclass(frozen=True)
class WorkView:
    """A work list as it is to be seen."""

    #: The list, and the row that is shown; -1 for none.
    table: TableView = field(default_factory=TableView)
    row: int = -1
    #: Which of how many it is.
    place: Phrase = field(default_factory=Phrase)
    #: What can be set; none where there is no study.
    settings: tuple[Setting, ...] = ()
    #: How far the person is.
    words: Phrase = field(default_factory=Phrase)
    #: Of the pair that is shown; 0 for none.
    grades: tuple[Option, ...] = ()
    grade: int = 0
    #: What others say of it, where that is asked for.
    others: Phrase = field(default_factory=Phrase)


class WorkScreen(Protocol):
    """Where a work list is shown; a panel or a page."""

    @property
    def busy(self) -> bool:
        """Whether something goes on that another result must not disturb."""

    def open_result(self, folder: Path) -> None:
        """Show a result, in place of the one that is shown."""

    def prepare(self, folder: Path) -> None:
        """Begin to read a result that is likely to be the next one."""

    def say_problem(self, error: Exception) -> None:
        """Say what went wrong."""

    def show(self, view: WorkView) -> None:
        """Show the list; that is not the person's doing."""


class WorkControls:
    """The list, and where in it the person is.

    Parameters
    ----------
    screen
        Where it is shown.

    Attributes
    ----------
    study
        The study that is gone through; None for none.
    choices
        What is set.
    """

    def __init__(self, screen: WorkScreen) -> None:
        self._screen = screen
        self.study: StudyReview | None = None
        self.choices = WorkChoices()
        self._works: list[Work] = []
        self._listed: dict[Path, Listed] = {}
        self._verdicts: dict[Path, Verdict] = {}
        self._current = -1
        self._chosen: list[int] = []  # those that the choices let through
        self._first = 0  # of them, the first that the screen holds

    # what there is

    def take(self, bundles: Sequence[Path] = (), study: StudyReview | None = None) -> None:
        """Make a new list: of result folders, in any order, or of a study; or of nothing."""
        self.study = study
        listed = [] if study is None else study.listed
        works = sorted((Work.of(path) for path in bundles), key=lambda work: -work.p95_mm)
        self._works = [*(Work.listed(one) for one in listed), *works]
        self._listed = dict(zip((one.folder for one in listed), listed, strict=True))
        self._verdicts, self._current, self._first = {}, -1, 0
        self.choices = WorkChoices("" if study is None else study.reviewer)
        self._filter()

    def begin(self) -> None:
        """Open the worst of all."""
        if self._chosen:
            self._go(self._chosen[0])

    def add(self, folder: Path) -> None:
        """Put a new result at the end of the list: the list is being worked on."""
        if all(work.folder != folder for work in self._works):
            self._works.append(Work.of(folder))
            self._filter()

    # what a person does

    def choose(self, name: str, value: Any) -> None:
        """Set one of the `WorkChoices`."""
        default = getattr(WorkChoices(), name)
        value = controls_of(WorkChoices)[name].usable(value, default)
        if name == "reviewer" and self.study is not None and value != self.study.reviewer:
            try:
                self.study = StudyReview(self.study.folder, value)
            except TTAUncertaintyError as error:
                self._screen.say_problem(error)
                self._say()
                return
            self._verdicts = {}
            value = self.study.reviewer
        self.choices = replace(self.choices, **{name: value})
        self._filter()

    def step(self, by: int) -> None:
        """Go to the next result or the one before; the list ends at both ends."""
        found = self._beside(by)
        if found is not None:
            self._go(found)

    def go(self, number: int) -> None:
        """Open the result of a row of the screen."""
        if 0 <= number < len(self._in_sight()):
            self._go(self._in_sight()[number])

    def grade(self, grade: int) -> None:
        """Give the pair that is shown a grade; the same again takes it back."""
        if self.study is None or self._current < 0 or self._works[self._current].problem:
            return
        try:
            self.study.grade(self._works[self._current].folder, grade)
        except TTAUncertaintyError as error:
            self._screen.say_problem(error)
        self._say()

    # what happens around it

    def on_opened(self, folder: Path) -> None:
        """A result is on the screen now; the next one of a study is prepared meanwhile."""
        numbers = [n for n, work in enumerate(self._works) if work.folder == folder]
        self._current = numbers[0] if numbers else -1
        self._say()
        beside = None if self.study is None else self._beside(1)
        if beside is not None and not self._works[beside].problem:
            self._screen.prepare(self._works[beside].folder)

    def on_review(self, folder: Path, review: Review) -> None:
        """Something was decided about a result."""
        if self.study is not None:
            try:
                self.study.on_review(folder, review)
            except TTAUncertaintyError as error:
                self._screen.say_problem(error)
        if self._verdicts.get(folder) is not review.verdict:
            self._verdicts[folder] = review.verdict
            self._say()

    # how it is done

    def _go(self, number: int) -> None:
        if self._screen.busy:
            return
        self._current = number
        self._say()
        if not self._works[number].problem:
            self._screen.open_result(self._works[number].folder)

    def _beside(self, by: int) -> int | None:
        """Return the result so many places further in what the choices let through."""
        if self._current in self._chosen:
            at = self._chosen.index(self._current) + by
        else:  # it was filtered out, by a grade perhaps: go on from where it was
            before = sum(number < self._current for number in self._chosen)
            at = before if by > 0 else before - 1
        return self._chosen[at] if 0 <= at < len(self._chosen) else None

    def _filter(self) -> None:
        let = self.choices.lets_through
        listed = [self._listed.get(work.folder) for work in self._works]
        self._chosen = [n for n, one in enumerate(listed) if one is None or let(one)]
        if self.choices.ungraded and self.study is not None:
            rating = self.study.rating
            self._chosen = [n for n in self._chosen if not rating(self._works[n].folder).grade]
        self._say()

    def _in_sight(self) -> list[int]:
        """Return those that the screen holds: a part about the one that is shown."""
        if self._current in self._chosen:
            at = self._chosen.index(self._current)
            if not self._first <= at < self._first + _MOST_ROWS:
                self._first = max(0, at - _MOST_ROWS // 2)
        self._first = min(self._first, max(0, len(self._chosen) - 1))
        return self._chosen[self._first : self._first + _MOST_ROWS]

    def _say(self) -> None:
        seen, study = self._in_sight(), self.study
        headings = (
            Heading("Result", words=True),
            Heading("95 %", "mm"),
            Heading("Highest", "mm"),
            *((Heading("Grade"),) if study is not None else ()),
            Heading("", words=True),
        )
        here = self._current if self._current in self._chosen else None
        at: object = "–" if here is None else self._chosen.index(here) + 1
        view = WorkView(
            TableView(headings, tuple(self._row(self._works[n]) for n in seen)),
            seen.index(self._current) if self._current in seen else -1,
            Phrase("{at} of {count}", {"at": at, "count": len(self._chosen)}),
        )
        if study is not None:
            view = replace(view, **self._of_study(study, len(seen)))
        self._screen.show(view)

    def _of_study(self, study: StudyReview, seen: int) -> dict[str, Any]:
        done = [one for one in study.listed if one.state == DONE]
        numbers: dict[str, object] = {
            "graded": sum(bool(study.rating(one.folder).grade) for one in done),
            "done": len(done),
            "chosen": len(self._chosen),
            "seen": seen,
        }
        words = "{graded} of {done} graded; {chosen} in the list"
        if seen < len(self._chosen):
            words += ", {seen} of them shown here"
        work = self._works[self._current] if self._current >= 0 else Work(Path(), "")
        said = f"{work.title}: {work.problem}" if work.problem else ""
        return {
            "words": Phrase("{said}", {"said": said}) if said else Phrase(words, numbers),
            "settings": work_rows(self.choices, (one.group for one in study.listed)),
            "grades": tuple(
                Option(str(n), f"{n} {word}", f"Key {n}; again takes it back.")
                for n, word in GRADES.items()
            ),
            "grade": study.rating(work.folder).grade,
            "others": self._others(study, work.folder),
        }

    def _others(self, study: StudyReview, folder: Path) -> Phrase:
        if not self.choices.others or self._current < 0:
            return Phrase()
        try:
            ratings = study.others(folder)
        except TTAUncertaintyError as error:
            return Phrase("{said}", {"said": str(error)})
        said = [
            " ".join(filter(None, (name, str(one.grade or ""), one.verdict, one.comment)))
            for name, one in ratings.items()
        ]
        return Phrase("{said}", {"said": "; ".join(said) or "Nobody else says anything of it."})

    def _row(self, work: Work) -> Row:
        rating = None if self.study is None else self.study.rating(work.folder)
        verdict = self._verdicts.get(work.folder, Verdict.OPEN)
        if verdict is Verdict.OPEN and rating is not None and rating.verdict:
            verdict = Verdict(rating.verdict)
        below = work.problem or work.below
        numbers = (f"{mm:.2f}" if mm >= 0 else "–" for mm in (work.p95_mm, work.highest_mm))
        grades = () if rating is None else (str(rating.grade or ""),)
        said = given(verdict)
        title = f"{work.title}\n{below}" if below else work.title
        return Row((title, *numbers, *grades, said), said, below)
