"""The work list: several results, the one with the largest uncertainty first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trame.widgets import html

from ..controls.review_view import given
from ..controls.table_view import Heading, Row, TableView
from ..errors import TTAUncertaintyError
from ..results import Bundle, MapKind
from ..results.naming import input_name
from ..review import Review, Verdict
from .part import Part
from .rows import table, written

if TYPE_CHECKING:
    from .viewer import Viewer


@dataclass(frozen=True)
class Work:
    """A result of the list.

    Parameters
    ----------
    folder
        Where it lies.
    title
        What it is called.
    p95_mm, highest_mm
        Of its total uncertainty in the anatomy; -1 where it has none.
    problem
        Why it cannot be opened; empty if it can.
    """

    folder: Path
    title: str
    p95_mm: float = -1.0
    highest_mm: float = -1.0
    problem: str = ""

    @classmethod
    def of(cls, folder: Path) -> Work:
        """Read what a result folder says of itself."""
        try:
            record = Bundle.open(folder).record
            names = [input_name(record, role) for role in ("moving", "fixed")]
            found = record["summary"]["maps"].get(MapKind.TOTAL.value, {})
        except TTAUncertaintyError as error:
            return cls(folder, folder.name, problem=str(error))
        except (KeyError, TypeError):
            return cls(folder, folder.name, problem=f"{folder} is damaged.")
        p95, highest = float(found.get("p95", -1.0)), float(found.get("maximum", -1.0))
        return cls(folder, " on ".join(names), p95, highest)


class WorkList(Part):
    """The list, and where in it the person is.

    Parameters
    ----------
    viewer
        The host.
    bundles
        Result folders, in any order.
    """

    def __init__(self, viewer: Viewer, bundles: Sequence[Path]) -> None:
        super().__init__(viewer)
        self._works = sorted((Work.of(path) for path in bundles), key=lambda work: -work.p95_mm)
        self._verdicts: dict[Path, Verdict] = {}
        self._current = -1
        viewer.state.work_number = -1
        self._say()

    def begin(self) -> None:
        """Open the worst of all."""
        if self._works:
            self.go(0)

    def add(self, folder: Path) -> None:
        """Put a new result at the end of the list: the list is being worked on."""
        if all(work.folder != folder for work in self._works):
            self._works.append(Work.of(folder))
            self._say()

    def step(self, by: int) -> None:
        """Go to the next result or the one before; the list ends at both ends."""
        self.go(self._current + by)

    def go(self, number: int) -> None:
        """Open a result, from 0 on; does nothing where there is none."""
        if not 0 <= number < len(self._works) or self._viewer.run.running:
            return
        self._current = number
        self._viewer.state.work_number = number
        self._viewer.open(self._works[number].folder)

    def on_opened(self, folder: Path) -> None:
        """A result is on the screen now."""
        numbers = [n for n, work in enumerate(self._works) if work.folder == folder]
        self._current = numbers[0] if numbers else -1
        self._viewer.state.work_number = self._current

    def on_review(self, folder: Path, review: Review) -> None:
        """Something was decided about a result."""
        if self._verdicts.get(folder) is not review.verdict:
            self._verdicts[folder] = review.verdict
            self._say()

    def _say(self) -> None:
        rows = tuple(self._row(work) for work in self._works)
        headings = (
            Heading("Result", words=True),
            Heading("95 %", "mm"),
            Heading("Highest", "mm"),
            Heading("", words=True),
        )
        self._viewer.state.work = written(TableView(headings, rows))

    def _row(self, work: Work) -> Row:
        verdict = given(self._verdicts.get(work.folder, Verdict.OPEN))
        below = work.problem or work.folder.name
        numbers = (f"{mm:.2f}" if mm >= 0 else "–" for mm in (work.p95_mm, work.highest_mm))
        return Row((f"{work.title}\n{below}", *numbers, verdict), verdict, below)

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.H2("Work list, worst first")
            html.P(
                "Ranked by the 95th percentile of the total uncertainty in each image. "
                "A large spread is no error yet; a small one is no proof.",
                classes="tta-small mb-2",
            )
            table("work", "work", self.go, "work_number")
            html.P(
                "Nothing is in the list. Name result folders when you start the viewer, "
                "or run a registration here.",
                v_if="!work.rows.length",
                classes="tta-small",
            )
