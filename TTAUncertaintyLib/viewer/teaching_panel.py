"""The panel Teach: the perturbed registrations one after another, and the map they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..controls.teaching_controls import BUILD_UP, TeachingControls, TeachingView
from ..errors import TTAUncertaintyError
from ..scene.result import ResultNodes
from ..scene.stage import Stage
from .clock import ServerClock
from .part import Part
from .rows import slider, switch, written

if TYPE_CHECKING:
    from .viewer import Viewer


class TeachingPanel(Part):
    """The `TeachingScreen` of the page."""

    hint = "Ask for that in the next run."

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        viewer.state.update({"teach": written(TeachingView()), "teach_pass": 1, "teach_map": True})
        self.controls = TeachingControls(self, ServerClock(viewer.state), build_up=True)
        viewer.state.change("teach_pass")(self._on_pass)
        viewer.state.change("teach_map")(self._on_map)

    def on_result(self, result: ResultNodes | None) -> None:
        """Take the registrations of another result."""
        self.controls.on_result(result)

    def stop(self) -> None:
        """Give the views back to the map."""
        self.controls.end()

    # what the controls ask

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""
        return self._viewer.stage

    @property
    def opacity(self) -> float:
        """Of a map over the image."""
        return self._viewer.map.opacity

    @property
    def free(self) -> bool:
        """Whether no run has the views."""
        return not self._viewer.run.running

    def take_views(self) -> None:
        """Let the others wait."""
        self._viewer.map.controls.suspend()
        self._viewer.review.controls.suspend()

    def give_views_back(self) -> None:
        """Let the others go on."""
        self._viewer.map.controls.show_again()
        self._viewer.review.controls.show_again()

    def trouble(self, error: TTAUncertaintyError) -> None:
        """Say what went wrong."""
        self._viewer.say_problem(error)

    def show(self, view: TeachingView) -> None:
        """Write into the page."""
        self._viewer.state.teach = written(view)
        self._viewer.state.teach_pass = view.number + 1

    # how it is done

    def _on_pass(self, teach_pass: Any, **_state: Any) -> None:
        if int(teach_pass) != self._viewer.state.teach["number"] + 1:
            self.controls.go(int(teach_pass) - 1)

    def _on_map(self, teach_map: Any, **_state: Any) -> None:
        self.controls.let_build_up(bool(teach_map))

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.H2("Play the registrations")
            html.P("{{ teach.words }}", classes="tta-small")
            with html.Div(v_if="teach.count > 0"):
                with html.Div(classes="d-flex ga-2 my-3"):
                    v3.VBtn(
                        "{{ teach.playing ? 'Hold' : 'Play' }}",
                        click=self.controls.toggle,
                        color="primary",
                        prepend_icon=("teach.playing ? 'mdi-pause' : 'mdi-play'",),
                        classes="flex-grow-1 tta-play",
                    )
                    v3.VBtn(
                        "Back to the map",
                        click=self.controls.end,
                        variant="tonal",
                        disabled=("!teach.on",),
                        classes="tta-back",
                    )
                slider(
                    "pass",
                    "Pass",
                    "{{ teach_pass }} of {{ teach.count }}",
                    1,
                    ("teach.count",),
                    1,
                    bound="teach_pass",
                )
                html.P("{{ teach.label }}", classes="tta-small tta-teach-label")
                switch("teach_map", "Let the map build up over it")
                html.P(BUILD_UP, classes="tta-small")
