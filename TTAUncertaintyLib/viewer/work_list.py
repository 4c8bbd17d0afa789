"""The work list: several results, the one with the largest uncertainty first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trame.widgets import html

from ..errors import TTAUncertaintyError
from ..results import Bundle, MapKind
from ..results.naming import input_name
from ..review import Review, Verdict

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


class WorkList:
    """The list, and where in it the person is.

    Parameters
    ----------
    viewer
        The host.
    bundles
        Result folders, in any order.
    """

    def __init__(self, viewer: Viewer, bundles: Sequence[Path]) -> None:
        self._viewer = viewer
        self._works = sorted((Work.of(path) for path in bundles), key=lambda work: -work.p95_mm)
        self._verdicts: dict[Path, Verdict] = {}
        self._current = -1
        viewer.state.update({"work": [], "work_number": -1})
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
        self._viewer.state.work = [self._row(work) for work in self._works]

    def _row(self, work: Work) -> dict[str, Any]:
        verdict = self._verdicts.get(work.folder, Verdict.OPEN)
        return {
            "title": work.title,
            "folder": work.folder.name,
            "p95": f"{work.p95_mm:.2f}" if work.p95_mm >= 0 else "–",
            "highest": f"{work.highest_mm:.2f}" if work.highest_mm >= 0 else "–",
            "problem": work.problem,
            "verdict": "" if verdict is Verdict.OPEN else verdict.value,
        }

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.H2("Work list, worst first")
            html.P(
                "Ranked by the 95th percentile of the total uncertainty in each image. "
                "A large spread is no error yet; a small one is no proof.",
                classes="tta-small mb-2",
            )
            with html.Table(classes="tta-table tta-work", v_if="work.length"):
                with html.Thead(), html.Tr():
                    html.Th("Result", classes="words")
                    html.Th("95 % mm")
                    html.Th("Highest")
                    html.Th("")
                with (
                    html.Tbody(),
                    html.Tr(
                        v_for="(row, n) in work",
                        key="n",
                        classes=("'choosable' + (n === work_number ? ' chosen' : '')",),
                        click=(self.go, "[n]"),
                        title=("row.problem || row.folder",),
                    ),
                ):
                    with html.Td(classes="words"):
                        html.Div("{{ row.title }}")
                        html.Div("{{ row.problem || row.folder }}", classes="tta-small")
                    html.Td("{{ row.p95 }}")
                    html.Td("{{ row.highest }}")
                    with html.Td():
                        html.Span(
                            "{{ row.verdict }}",
                            v_if="row.verdict",
                            classes=("'tta-chip tta-' + row.verdict",),
                        )
            html.P(
                "Nothing is in the list. Name result folders when you start the viewer, "
                "or run a registration here.",
                v_if="!work.length",
                classes="tta-small",
            )
