"""The work list in the page: several results, the worst first; or a whole study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..cohort.reviewing import StudyReview
from ..controls.work_controls import WorkControls, WorkView
from ..results.files import REVIEW_FILE
from .forms import form, written_row
from .part import Part
from .rows import table, written

if TYPE_CHECKING:
    from .viewer import Viewer


class WorkList(Part):
    """The `WorkScreen` of the page.

    Parameters
    ----------
    study
        A study in their place; None for none.

    Attributes
    ----------
    controls
        `WorkControls`.
    """

    def __init__(
        self, viewer: Viewer, bundles: Sequence[Path], study: StudyReview | None = None
    ) -> None:
        super().__init__(viewer)
        viewer.state.update(
            {
                "work": written(WorkView()),
                "work_settings": [],
                "work_is_study": study is not None,
                "work_reviewer": "" if study is None else study.reviewer,
            }
        )
        self.controls = WorkControls(self)
        self.controls.take(bundles, study)

    def review_file(self, folder: Path) -> Path:
        """Return where the review of a result is kept: of a study, each reviewer has their own."""
        study = self.controls.study
        own = None if study is None else study.review_file(folder)
        return own or folder / REVIEW_FILE

    # what the controls ask

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self._viewer.run.running

    def open_result(self, folder: Path) -> None:
        """Show a result."""
        self._viewer.open(folder)

    def prepare(self, folder: Path) -> None:
        """Begin to read a result."""
        self._viewer.prepare(folder)

    def say_problem(self, error: Exception) -> None:
        """Say what went wrong."""
        self._viewer.say_problem(error)

    def show(self, view: WorkView) -> None:
        """Write into the page."""
        state = self._viewer.state
        state.work_settings = [written_row(row) for row in view.settings]
        state.work = {**written(view), "settings": []}

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
            table("work", "work.table", self.controls.go, "work.row")
            html.P(
                "Nothing is in the list. Name result folders when you start the viewer, "
                "or run a registration here.",
                v_if="!work.table.rows.length && !work_is_study",
                classes="tta-small",
            )

    def _build_study(self) -> None:
        """Write what a study has besides: grades, and what is shown of it."""
        html.P(
            "Grades of {{ work_reviewer }}, kept in the study's folder at once. Keys 1 to 4.",
            classes="tta-small mb-1",
        )
        with html.Div(classes="d-flex ga-1 my-1"):
            v3.VBtn(
                "{{ one.title }}",
                v_for="one in work.grades",
                key="one.value",
                click=(self.controls.grade, "[Number(one.value)]"),
                disabled=("work.row < 0",),
                variant=("Number(one.value) === work.grade ? 'flat' : 'tonal'",),
                color=("Number(one.value) === work.grade ? 'primary' : undefined",),
                size="small",
                classes=("'flex-grow-1 px-1 tta-grade-' + one.value",),
            )
        html.P("{{ work.others }}", v_if="work.others", classes="tta-small tta-work-others")
        form("work_settings", self.controls.choose, "work-")
        html.P("{{ work.words }}", classes="tta-small tta-work-words")
