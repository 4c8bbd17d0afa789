"""The panel Teach: the perturbed registrations one after another, and the map they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..errors import TTAUncertaintyError
from ..results import Bundle, KeptRegistrations, MapKind
from ..results.build_up import BuildUp
from ..scene.loading import folder_of
from ..scene.looks import display_of
from ..scene.result import ResultNodes, remove_with_display
from ..scene.slices import Layers, set_layers
from ..scene.teaching import load_registrations, show_build_up, show_pass
from .clock import ServerClock
from .rows import slider, switch

if TYPE_CHECKING:
    from .viewer import Viewer

#: Milliseconds that each registration stays.
_INTERVAL_MS = 800


class TeachingPanel:
    """Plays the registrations of a result that kept them.

    Parameters
    ----------
    viewer
        The host.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._result: ResultNodes | None = None
        self._kept: KeptRegistrations | None = None
        self._build_up: BuildUp | None = None
        self._map: Any = None
        self._ticker = ServerClock(viewer.state).every(_INTERVAL_MS, self._advance)
        viewer.state.update(
            {
                "teach_count": 0,
                "teach_pass": 1,
                "teach_label": "",
                "teach_words": "",
                "teach_playing": False,
                "teach_on": False,
                "teach_map": True,
            }
        )
        viewer.state.change("teach_pass", "teach_map")(self._on_choice)

    def on_result(self, result: ResultNodes | None) -> None:
        """Take the registrations of another result."""
        self.stop()
        self._forget_map()
        self._result, self._kept, self._build_up = result, None, None
        state = self._viewer.state
        state.teach_count, state.teach_pass, state.teach_label = 0, 1, ""
        if result is None:
            return
        state.teach_words = (
            "This result did not keep its perturbed registrations: ask for that in the next run."
        )
        folder = folder_of(result)
        if folder is None or not result.record["files"].get("registrations"):
            return
        try:
            self._kept = KeptRegistrations.open(Bundle.open(folder))
        except TTAUncertaintyError as error:
            state.teach_words = str(error)
            return
        self._build_up = BuildUp(self._kept)
        state.teach_count = self._kept.count
        state.teach_words = (
            "Each registration answers another perturbation of the moving image, which has been "
            "undone again. A network that were equivariant would give the same image every time. "
            "What moves, adds up to the map."
        )

    def toggle(self) -> None:
        """Play, or hold."""
        if self._kept is None:
            return
        if self._ticker.active:
            self._ticker.stop()
        else:
            self._advance()
            self._ticker.start()
        self._viewer.state.teach_playing = self._ticker.active

    def stop(self) -> None:
        """Give the views back to the map."""
        self._ticker.stop()
        state = self._viewer.state
        state.teach_playing = False
        if state.teach_on:
            state.teach_on = False
            self._viewer.map.controls.show_again()
            self._viewer.review.refresh()

    def _advance(self) -> None:
        state = self._viewer.state
        if not state.teach_on:
            state.teach_pass = 1
            self._show()
        elif self._kept is not None:
            state.teach_pass = int(state.teach_pass) % self._kept.count + 1

    def _on_choice(self, **_state: Any) -> None:
        if self._viewer.state.teach_on or int(self._viewer.state.teach_pass) != 1:
            self._show()

    def _show(self) -> None:
        """Show the pass that the page says, and the map of the passes so far."""
        result, kept, viewer = self._result, self._kept, self._viewer
        if result is None or kept is None or self._build_up is None or viewer.run.running:
            return
        state = viewer.state
        number = min(max(int(state.teach_pass), 1), kept.count)
        try:
            played = load_registrations(viewer.stage, result, kept)
        except TTAUncertaintyError as error:
            self.stop()
            viewer.say_problem(error)
            return
        if not state.teach_on:
            viewer.map.controls.suspend()
            viewer.review.suspend()
            state.teach_on = True
        show_pass(viewer.stage, result, number - 1)
        values = self._build_up.after(number) if state.teach_map else None
        if values is not None:
            window = self._window(result)
            self._map = show_build_up(viewer.stage, result, kept, values, window)
        over = None if values is None else self._map
        set_layers(viewer.stage, Layers(played, over, viewer.map.opacity))
        state.teach_label = kept.labels[number - 1]

    def _window(self, result: ResultNodes) -> tuple[float, float]:
        """Return the colours' ends of the finished map, so that what grows can be compared."""
        return display_of(result, MapKind.TOTAL, self._viewer.map.opacity).window

    def _forget_map(self) -> None:
        if self._map is not None and self._viewer.stage.scene.IsNodePresent(self._map):
            remove_with_display(self._map)
        self._map = None

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.H2("Play the registrations")
            html.P("{{ teach_words }}", classes="tta-small")
            with html.Div(v_if="teach_count > 0"):
                with html.Div(classes="d-flex ga-2 my-3"):
                    v3.VBtn(
                        "{{ teach_playing ? 'Hold' : 'Play' }}",
                        click=self.toggle,
                        color="primary",
                        prepend_icon=("teach_playing ? 'mdi-pause' : 'mdi-play'",),
                        classes="flex-grow-1 tta-play",
                    )
                    v3.VBtn(
                        "Back to the map",
                        click=self.stop,
                        variant="tonal",
                        disabled=("!teach_on",),
                        classes="tta-back",
                    )
                slider(
                    "pass",
                    "Pass",
                    "{{ teach_pass }} of {{ teach_count }}",
                    1,
                    ("teach_count",),
                    1,
                    bound="teach_pass",
                )
                html.P("{{ teach_label }}", classes="tta-small tta-teach-label")
                switch("teach_map", "Let the map build up over it")
                html.P(
                    "The map needs two complete perturbations before it says anything. Its colours "
                    "are those of the finished map.",
                    classes="tta-small",
                )
