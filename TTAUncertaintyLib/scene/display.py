"""How a map is shown: colours, window, threshold, opacity and legend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..results import MapKind
from ..results.report.scales import TOP_PERCENTILE, LinearScale, tidy_above
from .arrays import array_of
from .colors import color_node, own_colors
from .result import ResultNodes
from .stage import Stage

#: Of a map to begin with: the anatomy below stays readable.
OPACITY = 0.55

#: Points of the legend's letters.
_TITLE_POINTS, _LABEL_POINTS = 11, 10


@dataclass(frozen=True)
class MapDisplay:
    """The look of a map over an image."""

    kind: MapKind
    #: Name of the colour table; see `colors`.
    color: str
    #: Over the image, 0 to 1.
    opacity: float
    #: Transparent below, in the map's unit; None shows all of it.
    threshold: float | None
    #: The values at both ends of the colours, in the map's unit.
    window: tuple[float, float]


def default_display(result: ResultNodes, kind: MapKind) -> MapDisplay:
    """Return the look to begin with: the whole map, its own colours, a window from the data."""
    return MapDisplay(kind, own_colors(kind), OPACITY, None, own_window(result, kind))


def own_window(result: ResultNodes, kind: MapKind) -> tuple[float, float]:
    """Return the window that a map's values suggest, in its unit.

    It says what this result holds, not what is acceptable. From zero; for the Jacobian
    determinant equally far to both sides of 1.
    """
    values = _finite(result.maps[kind])
    if kind is MapKind.JACOBIAN:
        far = float(np.percentile(np.abs(values - 1), TOP_PERCENTILE)) if values.size else 0.5
        far = min(tidy_above(far), 1.0)
        return 1 - far, 1 + far
    return 0.0, LinearScale.of(values).top


def show_map(stage: Stage, result: ResultNodes, display: MapDisplay) -> Any:
    """Give a map's volume a look and a legend, and return the volume.

    Which views show it is a matter of `slices`.
    """
    volume = result.maps[display.kind]
    apply(stage, volume, display)
    for kind, other in result.maps.items():
        if kind is not display.kind:
            hide_legend(stage, other)
    return volume


def apply(stage: Stage, volume: Any, display: MapDisplay) -> None:
    """Give a volume the look of a map, with a legend."""
    node = volume.GetDisplayNode()
    held = node.StartModify()
    node.SetAndObserveColorNodeID(color_node(stage, display.color).GetID())
    node.AutoWindowLevelOff()
    node.SetWindowLevelMinMax(*display.window)
    # a threshold is always applied: "no estimate" (NaN) lies below every one
    node.AutoThresholdOff()
    node.SetThreshold(-1e6 if display.threshold is None else display.threshold, 1e6)
    node.ApplyThresholdOn()
    node.SetInterpolate(True)
    node.EndModify(held)
    _show_legend(stage, volume, node, display)


def read_display(volume: Any, kind: MapKind, opacity: float) -> MapDisplay:
    """Return the look that a map's volume has; whoever opens a scene goes on from it."""
    node = volume.GetDisplayNode()
    lower = node.GetLowerThreshold()
    color = node.GetColorNode()
    return MapDisplay(
        kind,
        own_colors(kind) if color is None else color.GetName(),
        opacity,
        lower if node.GetApplyThreshold() and lower > -1e5 else None,
        (node.GetWindowLevelMin(), node.GetWindowLevelMax()),
    )


def refresh_legend(stage: Stage, volume: Any) -> None:
    """Make a legend appear in views that only now show its volume."""
    legend = stage.logic("Colors").GetColorLegendDisplayNode(volume)
    if legend is not None:
        legend.Modified()


def hide_legend(stage: Stage, volume: Any) -> None:
    """Hide the legend of a volume, if it has one."""
    legend = stage.logic("Colors").GetColorLegendDisplayNode(volume)
    if legend is not None:
        legend.SetVisibility(False)


def forget_legends(stage: Stage, volumes: Iterable[Any]) -> None:
    """Remove the legends of volumes; `show_map` makes them again.

    A view shows only legends that came after it: this is for when a layout has made new views.
    """
    colors = stage.logic("Colors")
    for volume in volumes:
        legend = colors.GetColorLegendDisplayNode(volume)
        if legend is not None:
            stage.scene.RemoveNode(legend)


def _show_legend(stage: Stage, volume: Any, node: Any, display: MapDisplay) -> None:
    legend = stage.logic("Colors").AddDefaultColorLegendDisplayNode(node)
    held = legend.StartModify()
    facts = display.kind.facts
    # a word a line: beside the anatomy there is little room
    words = facts.title.replace(" %", "\u00a0%").replace("-", "- ").split(" ")
    words += [f"({facts.unit})"] if facts.unit else []
    legend.SetTitleText("\n".join(words))
    legend.SetAndObserveColorNodeID(node.GetColorNodeID())
    legend.SetVisibility(True)
    labels = legend_labels(*display.window)
    legend.SetNumberOfLabels(len(labels))
    # letters grow to fill their place: a single digit would be as high as a word is wide
    legend.SetLabelFormat(f"%.{label_decimals(labels)}f")
    legend.SetSize(0.06, 0.45)  # the letters grow with the width: wider, they cover anatomy
    legend.SetPosition(0.98, 0.5)
    for text, points in (
        (legend.GetTitleTextProperty(), _TITLE_POINTS),
        (legend.GetLabelTextProperty(), _LABEL_POINTS),
    ):
        text.SetFontFamilyToArial()
        text.SetFontSize(points)
        text.SetBold(False)
        text.SetShadow(True)
    legend.EndModify(held)


def legend_labels(low: float, high: float) -> list[float]:
    """Return the numbers beside a legend, evenly spread: tidy ones from zero, else five."""
    count = len(LinearScale(high).ticks()) if low == 0 else 5
    return [float(value) for value in np.linspace(low, high, count)]


def label_decimals(labels: Sequence[float]) -> int:
    """Return how many decimals the numbers beside a legend take."""
    return 1 if all(abs(value - round(value, 1)) < 1e-6 for value in labels) else 2


def _finite(volume: Any) -> Any:
    values = array_of(volume)
    return values[np.isfinite(values)]
