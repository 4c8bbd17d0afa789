"""The panel Map: which map is shown over which image, and how."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trame.widgets import html

from ..results import MapKind
from ..scene.colors import color_choices, color_node
from ..scene.display import MapDisplay, label_decimals, legend_labels
from ..scene.layouts import Layout
from ..scene.looks import (
    SHOWN_ATTRIBUTE,
    display_of,
    limits_of,
    meaning_of,
    suggested_level,
    surfaces_differ,
)
from ..scene.presentation import (
    Background,
    Presentation,
    present,
    present_in_new_views,
    show_turn,
    withdraw,
)
from ..scene.result import ResultNodes
from ..scene.transform_view import TransformView
from .controls import among, segment, segments, select, slider, switch
from .ticker import Ticker

if TYPE_CHECKING:
    from .viewer import Viewer

#: What a person sets; anything else on the screen follows from it.
CHOICES = (
    "map_kind",
    "color",
    "opacity",
    "threshold",
    "window",
    "background",
    "compare",
    "layout",
    "grid",
    "in_3d",
)

_COMPARED = {"checkerboard": Background.CHECKERBOARD, "difference": Background.DIFFERENCE}

#: Seconds that a slider rests before surfaces in 3D follow it: they take longer than colours.
_REST_S = 0.25

#: Colours of the bar.
_STOPS = 24


class MapPanel:
    """Shows a result's maps as the page says.

    Parameters
    ----------
    viewer
        The host.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._result: ResultNodes | None = None
        self._kind: MapKind | None = None
        self._shown: Presentation | None = None
        self._later: asyncio.Task[None] | None = None
        self._warped_turn = False
        self._flicker = Ticker(self._take_turn)
        #: Something else has the views for a while: a run's live map, or the player.
        self.suspended = False
        state = viewer.state
        state.update(
            {
                "map_kind": "",
                "map_choices": [],
                "meaning": "",
                "color": "",
                "color_choices": [],
                "opacity": 0.55,
                "threshold": 0.0,
                "window": [0.0, 1.0],
                "limits": [0.0, 1.0],
                "unit": "mm",
                "background": "warped",
                "turn": "",
                "compare": "none",
                "layout": Layout.FOUR_UP.value,
                "grid": "none",
                "in_3d": True,
                "level_3d": "",
                "bar": "",
                "ticks": [],
                "can_compare": False,
                "can_before": False,
            }
        )
        state.change(*CHOICES)(self._on_choice)

    @property
    def kind(self) -> MapKind | None:
        """The map that is chosen."""
        return self._kind

    def on_result(self, result: ResultNodes | None) -> None:
        """Show another result, or none."""
        self._hold()
        if self._result is not None and self._viewer.holds(self._result):
            withdraw(self._viewer.stage, self._result)
        self._result, self._kind, self._shown = result, None, None
        if result is None:
            return
        state = self._viewer.state
        kinds = list(result.maps)
        state.map_choices = [{"value": kind.value, "title": _title(kind)} for kind in kinds]
        if state.map_kind not in [kind.value for kind in kinds]:
            state.map_kind = MapKind.foremost(kinds).value if kinds else ""
        state.can_compare = result.fixed is not None
        state.can_before = result.moving is not None
        if not state.can_compare:
            state.compare, state.background = "none", "warped"
        self.refresh()

    def refresh(self) -> None:
        """Bring the views in line with the page."""
        result = self._result
        if result is None or self.suspended:
            return
        state = self._viewer.state
        kind = next((kind for kind in result.maps if kind.value == state.map_kind), None)
        if kind is None:
            return
        if kind is not self._kind:
            self._choose(result, kind)
        wanted = self._wanted(result, kind)
        self._say(result, wanted)
        if wanted != self._shown:
            self._apply(result, wanted)
        if state.compare == "flicker" and result.fixed is not None:
            self._flicker.start()
        elif self._flicker.active:
            self._flicker.stop()
            state.turn = ""
            self._present(result, wanted)

    def show_again(self) -> None:
        """The views are free again: show what the page says."""
        self.suspended = False
        self._shown = None
        self.refresh()

    def suspend(self) -> None:
        """Leave the slices to something else."""
        self._hold()
        self.suspended = True

    def leave(self) -> None:
        """Leave all views to something else, the one in 3D too."""
        self.suspend()
        if self._result is not None:
            withdraw(self._viewer.stage, self._result)

    def step_map(self) -> None:
        """Go on to the next map."""
        values = [choice["value"] for choice in self._viewer.state.map_choices]
        if values:
            place = values.index(self._viewer.state.map_kind) if self._kind is not None else -1
            self._viewer.state.map_kind = values[(place + 1) % len(values)]

    def toggle(self, compare: str) -> None:
        """Begin a comparison, or end it."""
        state = self._viewer.state
        if state.can_compare:
            state.compare = "none" if state.compare == compare else compare

    def _on_choice(self, **_state: Any) -> None:
        self.refresh()

    def _choose(self, result: ResultNodes, kind: MapKind) -> None:
        """Go on with the look that a map had."""
        self._kind = kind
        state, stage = self._viewer.state, self._viewer.stage
        state.color_choices = color_choices(stage, kind)
        display = display_of(result, kind, float(state.opacity))
        state.color = display.color
        state.threshold = display.threshold or 0.0
        state.window = [round(value, 3) for value in display.window]
        self._viewer.on_map(kind)

    def _wanted(self, result: ResultNodes, kind: MapKind) -> Presentation:
        state = self._viewer.state
        own = display_of(result, kind, float(state.opacity))
        low, high = (float(value) for value in state.window)
        threshold = float(state.threshold)
        color = state.color if state.color in state.color_choices else own.color
        display = MapDisplay(
            kind,
            color,
            min(max(float(state.opacity), 0.0), 1.0),
            threshold if threshold > 0 else None,
            (low, high) if high > low else own.window,
        )
        return Presentation(
            display,
            background=_COMPARED.get(state.compare) or among(Background, state.background),
            layout=among(Layout, state.layout),
            transform=among(TransformView, state.grid),
            in_3d=bool(state.in_3d) and kind.facts.unit == "mm",
            level_3d=display.threshold or suggested_level(result, kind),
        )

    def _say(self, result: ResultNodes, wanted: Presentation) -> None:
        """Write beside the sliders what they mean."""
        state, display = self._viewer.state, wanted.display
        limits = limits_of(result, display)
        facts = display.kind.facts
        state.unit, state.meaning = facts.unit, meaning_of(result, display.kind)
        state.limits = [round(limits.low, 3), round(limits.high, 3)]
        state.level_3d = f"{wanted.level_3d:.2f}"
        state.bar = _gradient(color_node(self._viewer.stage, display.color))
        labels = legend_labels(*display.window)
        state.ticks = [f"{value:.{label_decimals(labels)}f}" for value in labels]

    def _apply(self, result: ResultNodes, wanted: Presentation) -> None:
        before = self._shown
        if before is not None and surfaces_differ(before, wanted):
            self._present(result, replace(wanted, in_3d=before.in_3d, level_3d=before.level_3d))
            self._rest(result)
        else:
            self._present(result, wanted)

    def _rest(self, result: ResultNodes) -> None:
        if self._later is not None:
            self._later.cancel()

        async def present_later() -> None:
            await asyncio.sleep(_REST_S)
            if self._result is result and self._kind is not None and not self.suspended:
                self._present(result, self._wanted(result, self._kind))

        self._later = asyncio.get_running_loop().create_task(present_later())

    def _present(self, result: ResultNodes, wanted: Presentation) -> None:
        stage, before = self._viewer.stage, self._shown
        if before is None or before.layout is not wanted.layout:
            if wanted.layout is not None:
                self._viewer.views.arrange(wanted.layout)
            present_in_new_views(stage, result, wanted)
        else:
            present(stage, result, wanted)
        result.maps[wanted.display.kind].SetAttribute(SHOWN_ATTRIBUTE, "1")
        self._shown = wanted
        if wanted.in_3d and not (before is not None and before.in_3d):
            self._viewer.views.look_around()

    def _take_turn(self) -> None:
        result, shown = self._result, self._shown
        if result is None or shown is None or result.fixed is None:
            return
        self._warped_turn = not self._warped_turn
        background = Background.WARPED if self._warped_turn else Background.FIXED
        show_turn(self._viewer.stage, result, shown, background)
        with self._viewer.state as state:
            state.turn = background.value

    def _hold(self) -> None:
        self._flicker.stop()
        self._viewer.state.turn = ""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.H2("Map")
            select("map_kind", "map_choices", "", "tta-map-select")
            html.P("{{ meaning }}", classes="tta-small mt-2")
            with html.Div(classes="tta-legend", aria_label="Colours and their values"):
                html.Div(classes="bar", style=("{background: bar}",))
                with html.Div(classes="ticks"):
                    html.Span("{{ tick }}", v_for="(tick, n) in ticks", key="n")
                html.Div("{{ unit || 'no unit' }}", classes="tta-small text-center")
            slider("opacity", "Opacity", "{{ Math.round(100 * opacity) }} %", 0, 1, 0.01)
            slider(
                "threshold",
                "Hide below",
                "{{ threshold > 0 ? threshold.toFixed(2) + ' ' + unit : 'nothing hidden' }}",
                0,
                ("limits[1]",),
                0.01,
            )
            slider(
                "window",
                "Colours from, to",
                "{{ window[0].toFixed(2) }} – {{ window[1].toFixed(2) }} {{ unit }}",
                ("limits[0]",),
                ("limits[1]",),
                0.01,
                ranged=True,
            )
            select("color", "color_choices", "Colour table", "mt-2 tta-color-select")
            html.H2("Image below")
            with segments("background", disabled=("compare !== 'none'",)):
                segment("Warped", "warped")
                segment("Fixed", "fixed", "!can_compare")
                segment("Before", "moving", "!can_before")
            html.H2("Compare fixed and warped")
            with segments("compare"):
                segment("Off", "none")
                segment("Flicker", "flicker", "!can_compare")
                segment("Checker", "checkerboard", "!can_compare")
                segment("Minus", "difference", "!can_compare")
            html.P(
                "The fixed image is not where the result says: comparing needs it.",
                v_if="!can_compare",
                classes="tta-small mt-1",
            )
            html.H2("Transform")
            with segments("grid"):
                segment("Off", "none")
                segment("Grid", "grid")
                segment("Arrows", "glyphs")
            switch(
                "in_3d",
                ("unit ? 'In 3D: above ' + level_3d + ' ' + unit : 'In 3D: maps in mm only'",),
                "mt-2 tta-3d",
                disabled=("!unit",),
            )


def _title(kind: MapKind) -> str:
    return f"{kind.facts.title} ({kind.facts.unit})" if kind.facts.unit else kind.facts.title


def _gradient(node: Any) -> str:
    """Return a colour node as a CSS gradient, low values left."""
    count = node.GetNumberOfColors()
    color, stops = [0.0] * 4, []
    for number in range(_STOPS):
        node.GetColor(round(number * (count - 1) / (_STOPS - 1)), color)
        stops.append("rgb({},{},{})".format(*(round(255 * part) for part in color[:3])))
    return f"linear-gradient(90deg, {', '.join(stops)})"
