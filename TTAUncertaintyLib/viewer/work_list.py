"""The work list: several results, the worst first; or a whole study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..cohort.ratings import GRADES
from ..cohort.reviewing import StudyReview
from ..cohort.work_list import Listed
from ..controls.review_view import given
from ..controls.table_view import Heading, Row, TableView
from ..errors import TTAUncertaintyError
from ..results import Bundle, MapKind
from ..results.files import REVIEW_FILE
from ..results.naming import input_name
from ..review import Review, Verdict
from .part import Part
from .rows import table, written

if TYPE_CHECKING:
    from .viewer import Viewer

#: Rows that the page holds: of a study of thousands, those about the one that is shown.
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
        return cls(one.folder, one.name, below, rank, highest)


class WorkList(Part):
    """The list, and where in it the person is.

    Parameters
    ----------
    study
        A study in their place; None for none.
    """

    def __init__(
        self, viewer: Viewer, bundles: Sequence[Path], study: StudyReview | None = None
    ) -> None:
        super().__init__(viewer)
        self._study = study
        listed = [] if study is None else study.listed
        works = sorted((Work.of(path) for path in bundles), key=lambda work: -work.p95_mm)
        self._works = [*(Work.listed(one) for one in listed), *works]
        self._listed = dict(zip((one.folder for one in listed), listed, strict=True))
        self._verdicts: dict[Path, Verdict] = {}
        self._current = -1
        self._chosen: list[int] = []  # those that the filter lets through
        self._first = 0  # of them, the first that the page holds
        viewer.state.update(
            {
                "work_number": -1,
                "work_filter": "",
                "work_unrated": False,
                "work_words": "",
                "work_grade": 0,
                "work_is_study": study is not None,
                "work_reviewer": "" if study is None else study.reviewer,
                "work_grades": [{"grade": n, "title": f"{n} {word}"} for n, word in GRADES.items()],
            }
        )
        viewer.state.change("work_filter", "work_unrated")(self._on_filter)
        self._filter()

    def begin(self) -> None:
        """Open the worst of all."""
        if self._works:
            self._go(0)

    def add(self, folder: Path) -> None:
        """Put a new result at the end of the list: the list is being worked on."""
        if all(work.folder != folder for work in self._works):
            self._works.append(Work.of(folder))
            self._filter()

    def step(self, by: int) -> None:
        """Go to the next result or the one before; the list ends at both ends."""
        found = self._beside(by)
        if found is not None:
            self._go(found)

    def go(self, number: int) -> None:
        """Open the result of a row of the page."""
        if 0 <= number < len(self._in_sight()):
            self._go(self._in_sight()[number])

    def grade(self, grade: int) -> None:
        """Give the pair that is shown a grade; the same again takes it back."""
        if self._study is None or self._current < 0:
            return
        try:
            self._study.grade(self._works[self._current].folder, grade)
        except TTAUncertaintyError as error:
            self._viewer.say_problem(error)
        self._say()

    def review_file(self, folder: Path) -> Path:
        """Return where the review of a result is kept: of a study, each reviewer has their own."""
        own = None if self._study is None else self._study.review_file(folder)
        return own or folder / REVIEW_FILE

    def on_opened(self, folder: Path) -> None:
        """A result is on the screen now; the next one of a study is prepared meanwhile."""
        numbers = [n for n, work in enumerate(self._works) if work.folder == folder]
        self._current = numbers[0] if numbers else -1
        self._say()
        beside = None if self._study is None else self._beside(1)
        if beside is not None:
            self._viewer.prepare(self._works[beside].folder)

    def on_review(self, folder: Path, review: Review) -> None:
        """Something was decided about a result."""
        if self._study is not None:
            try:
                self._study.on_review(folder, review)
            except TTAUncertaintyError as error:
                self._viewer.say_problem(error)
        if self._verdicts.get(folder) is not review.verdict:
            self._verdicts[folder] = review.verdict
            self._say()

    def _go(self, number: int) -> None:
        if self._viewer.run.running:
            return
        self._current = number
        self._say()
        self._viewer.open(self._works[number].folder)

    def _beside(self, by: int) -> int | None:
        """Return the result so many places further in what the filter lets through."""
        if self._current in self._chosen:
            at = self._chosen.index(self._current) + by
        else:  # it was filtered out, by a grade perhaps: go on from where it was
            before = sum(number < self._current for number in self._chosen)
            at = before if by > 0 else before - 1
        return self._chosen[at] if 0 <= at < len(self._chosen) else None

    def _on_filter(self, **_state: Any) -> None:
        self._filter()

    def _filter(self) -> None:
        text, unrated = str(self._viewer.state.work_filter or ""), self._viewer.state.work_unrated
        self._chosen = [
            number
            for number, work in enumerate(self._works)
            if work.folder not in self._listed or self._listed[work.folder].matches(text)
        ]
        if unrated and self._study is not None:
            rating = self._study.rating
            self._chosen = [n for n in self._chosen if not rating(self._works[n].folder).grade]
        self._say()

    def _in_sight(self) -> list[int]:
        """Return those that the page holds: a part about the one that is shown."""
        if self._current in self._chosen:
            at = self._chosen.index(self._current)
            if not self._first <= at < self._first + _MOST_ROWS:
                self._first = max(0, at - _MOST_ROWS // 2)
        self._first = min(self._first, max(0, len(self._chosen) - 1))
        return self._chosen[self._first : self._first + _MOST_ROWS]

    def _say(self) -> None:
        seen = self._in_sight()
        state = self._viewer.state
        headings = (
            Heading("Result", words=True),
            Heading("95 %", "mm"),
            Heading("Highest", "mm"),
            *((Heading("Grade"),) if self._study is not None else ()),
            Heading("", words=True),
        )
        state.work = written(TableView(headings, tuple(self._row(self._works[n]) for n in seen)))
        state.work_number = seen.index(self._current) if self._current in seen else -1
        known = self._current in self._chosen
        place = self._chosen.index(self._current) + 1 if known else "–"
        state.work_place = f"{place} of {len(self._chosen)}"
        if self._study is not None:
            graded = sum(bool(self._study.rating(one.folder).grade) for one in self._study.listed)
            state.work_words = (
                f"{graded} of {len(self._works)} graded; {len(self._chosen)} in the list"
                + (f", {len(seen)} of them shown here" if len(seen) < len(self._chosen) else "")
            )
            here = self._works[self._current].folder if self._current >= 0 else Path()
            state.work_grade = self._study.rating(here).grade

    def _row(self, work: Work) -> Row:
        rating = None if self._study is None else self._study.rating(work.folder)
        verdict = self._verdicts.get(work.folder, Verdict.OPEN)
        if verdict is Verdict.OPEN and rating is not None and rating.verdict:
            verdict = Verdict(rating.verdict)
        below = work.problem or work.below
        numbers = (f"{mm:.2f}" if mm >= 0 else "–" for mm in (work.p95_mm, work.highest_mm))
        grades = () if rating is None else (str(rating.grade or ""),)
        said = given(verdict)
        return Row((f"{work.title}\n{below}", *numbers, *grades, said), said, below)

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.H2("Work list, worst first")
            html.P(
                "Ranked by the 95th percentile of the total uncertainty in each image. "
                "A large spread is no error yet; a small one is no proof.",
                v_if="!work_is_study",
                classes="tta-small mb-2",
            )
            with html.Div(v_if="work_is_study"):
                self._build_study()
            table("work", "work", self.go, "work_number")
            html.P(
                "Nothing is in the list. Name result folders when you start the viewer, "
                "or run a registration here.",
                v_if="!work.rows.length && !work_is_study",
                classes="tta-small",
            )

    def _build_study(self) -> None:
        """Write what a study has besides: grades, and what is shown of it."""
        html.P(
            "Grades of {{ work_reviewer }}, kept in the study's folder at once; what others say of "
            "a pair is not shown here. Keys 1 to 4.",
            classes="tta-small mb-1",
        )
        with html.Div(classes="d-flex ga-1 my-1"):
            v3.VBtn(
                "{{ one.title }}",
                v_for="one in work_grades",
                key="one.grade",
                click=(self.grade, "[one.grade]"),
                disabled=("work_number < 0",),
                variant=("one.grade === work_grade ? 'flat' : 'tonal'",),
                color=("one.grade === work_grade ? 'primary' : undefined",),
                size="small",
                classes=("'flex-grow-1 px-1 tta-grade-' + one.grade",),
            )
        v3.VTextField(
            v_model=("work_filter",),
            label="Filter: name, group, or the word flag",
            density="compact",
            variant="outlined",
            hide_details=True,
            clearable=True,
            classes="mt-2 tta-work-filter",
        )
        v3.VCheckbox(
            v_model=("work_unrated",),
            label="Only those without a grade",
            density="compact",
            hide_details=True,
            classes="tta-work-unrated",
        )
        html.P("{{ work_words }}", classes="tta-small tta-work-words")
