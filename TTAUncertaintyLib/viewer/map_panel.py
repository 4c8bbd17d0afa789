"""The panel Map: the page's choices, and its controls written into the page."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from trame.widgets import html

from ..controls.map_choices import MapChoices
from ..controls.map_controls import MapControls
from ..controls.map_view import MapView
from ..scene.colors import color_node
from ..scene.display import label_decimals, legend_labels
from ..scene.layouts import Layout
from ..scene.result import ResultNodes
from ..scene.stage import Stage
from ..scene.structures import Structures
from .clock import ServerClock
from .part import Part
from .rows import segments, select, slider, switch, written

if TYPE_CHECKING:
    from .viewer import Viewer

#: Keys of the state: what a person sets. Anything else on the screen follows from it.
_KEYS = {field.name: f"map_{field.name}" for field in fields(MapChoices)}

#: Colours of the bar.
_STOPS = 24


class MapPanel(Part):
    """The `MapScreen` of the page. The choices are in the state that all tabs share."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        begin = MapChoices(layout=Layout.FOUR_UP.value, in_3d=True)
        viewer.state.update({_KEYS[name]: value for name, value in asdict(begin).items()})
        viewer.state.update({"map_view": _written(MapView()), "bar": "", "ticks": []})
        self.controls = MapControls(self, ServerClock(viewer.state))
        self.controls.enter()
        viewer.state.change(*_KEYS.values())(lambda **_state: self.controls.follow())

    def on_result(self, result: ResultNodes | None) -> None:
        """Show another result, or none."""
        self.controls.on_result(result)

    # what the controls ask

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""
        return self._viewer.stage

    @property
    def opacity(self) -> float:
        """Of a map over the image, 0 to 1."""
        return min(max(float(self._viewer.state.map_opacity), 0.0), 1.0)

    @property
    def has_structures(self) -> bool:
        """Whether structures were sent, or come with the fixed image."""
        return self._viewer.review.structures() is not None

    def structures(self) -> Structures | None:
        """Return them."""
        return self._viewer.review.structures()

    def choices(self) -> MapChoices:
        """Return what the page says."""
        state = self._viewer.state
        said = {name: state[key] for name, key in _KEYS.items()}
        low, high = (float(value) for value in said["window"])
        numbers = {"opacity": self.opacity, "threshold": float(said["threshold"])}
        return MapChoices(**said | numbers | {"window": (low, high)})

    def choose(self, **fields: Any) -> None:
        """Change what the page says; its change is followed."""
        if "window" in fields:
            fields["window"] = [round(value, 3) for value in fields["window"]]
        self._viewer.state.update({_KEYS[name]: value for name, value in fields.items()})

    def show(self, view: MapView) -> None:
        """Write into the page."""
        state, before = self._viewer.state, self._viewer.state.map_view
        state.map_view = _written(view)
        state.bar = _gradient(color_node(self.stage, view.color)) if view.color else ""
        labels = legend_labels(*view.window)
        state.ticks = [f"{value:.{label_decimals(labels)}f}" for value in labels]
        if view.kind != before["kind"] and self.controls.kind is not None:
            self._viewer.on_map(self.controls.kind)

    def arrange(self, layout: Layout, first: bool) -> None:
        """Draw the views of an arrangement."""
        self._viewer.views.arrange(layout)

    def look_at(self, volume: Any) -> None:
        """Let all views show the whole of a volume."""
        self._viewer.views.look_at(volume)

    def look_around(self) -> None:
        """Let the 3D view show all that is in it."""
        self._viewer.views.look_around()

    def build(self) -> None:
        """Write the panel into the page."""
        choose = self.controls.choose
        with html.Div(classes="tta-panel"):
            html.H2("Map")
            select("map_kind", "map_view.maps", "", "tta-map-select")
            html.P("{{ map_view.meaning }}", classes="tta-small mt-2")
            with html.Div(classes="tta-legend", aria_label="Colours and their values"):
                html.Div(classes="bar", style=("{background: bar}",))
                with html.Div(classes="ticks"):
                    html.Span("{{ tick }}", v_for="(tick, n) in ticks", key="n")
                html.Div("{{ map_view.unit || 'no unit' }}", classes="tta-small text-center")
            slider(
                "opacity",
                "Opacity",
                "{{ Math.round(100 * map_opacity) }} %",
                0,
                1,
                0.01,
                bound="map_opacity",
            )
            slider(
                "threshold",
                "Hide below",
                "{{ map_threshold > 0 ? map_threshold.toFixed(2) + ' ' + map_view.unit"
                " : 'nothing hidden' }}",
                0,
                ("map_view.limits.high",),
                0.01,
                bound="map_threshold",
            )
            slider(
                "window",
                "Colours from, to",
                "{{ map_window[0].toFixed(2) }} – {{ map_window[1].toFixed(2) }}"
                " {{ map_view.unit }}",
                ("map_view.limits.low",),
                ("map_view.limits.high",),
                0.01,
                bound="map_window",
                ranged=True,
            )
            select("map_color", "map_view.colors", "Colour table", "mt-2 tta-color-select")
            html.H2("Image below")
            segments("background", "map_view.background", "map_view.backgrounds", choose)
            html.H2("Compare fixed and warped")
            segments("compare", "map_view.compare", "map_view.comparisons", choose)
            html.P(
                "{{ map_view.comparisons[1].why_not }}",
                v_if="map_view.comparisons[1].why_not",
                classes="tta-small mt-1",
            )
            html.H2("Outlines")
            segments("outlines", "map_view.outline", "map_view.outlines", choose)
            html.H2("Transform")
            segments("transform", "map_view.transform", "map_view.transforms", choose)
            html.H2("In 3D")
            switch(
                "map_in_3d",
                ("map_view.in_3d_words",),
                "tta-3d",
                disabled=("!map_view.in_3d_possible",),
            )


def _written(view: MapView) -> dict[str, Any]:
    """Return what is to be seen as the page reads it; limits as finely as its sliders go."""
    limits = {"low": round(view.limits.low, 3), "high": round(view.limits.high, 3)}
    return dict(written(view)) | {"limits": limits}


def _gradient(node: Any) -> str:
    """Return a colour node as a CSS gradient, low values left."""
    count = node.GetNumberOfColors()
    color, stops = [0.0] * 4, []
    for number in range(_STOPS):
        node.GetColor(round(number * (count - 1) / (_STOPS - 1)), color)
        stops.append("rgb({},{},{})".format(*(round(255 * part) for part in color[:3])))
    return f"linear-gradient(90deg, {', '.join(stops)})"
