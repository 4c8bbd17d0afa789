"""From the choices of the study to what is on the screen, and back from a scene that was opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.results.report.scales import tidy_above
from TTAUncertaintyLib.scene.display import MapDisplay, default_display, read_display
from TTAUncertaintyLib.scene.layouts import Layout
from TTAUncertaintyLib.scene.presentation import Background, Presentation
from TTAUncertaintyLib.scene.transform_view import TransformView

#: On the volume of a map: it has been given a look before, which counts from then on.
SHOWN_ATTRIBUTE = "TTAUncertainty.Shown"

#: Key of the text on the result's node: the views have been fitted to it once.
FITTED_KEY = "views_fitted"

#: Values of the field `compare` that are images of their own.
_COMPARED = {
    "checkerboard": Background.CHECKERBOARD,
    "difference": Background.DIFFERENCE,
}


@dataclass(frozen=True)
class Limits:
    """What the sliders of a map reach from and to, in its unit."""

    low: float
    high: float


def kind_of(parameters: Any, result: Any) -> MapKind | None:
    """Return the map that is chosen, or the first there is; None where the result has none."""
    maps = result.maps
    wanted = next((kind for kind in maps if kind.value == parameters.mapKind), None)
    return wanted or next(iter(maps), None)


def display_of(result: Any, kind: MapKind, opacity: float) -> MapDisplay:
    """Return the look that a map was given last, or the one to begin with."""
    volume = result.maps[kind]
    if volume.GetAttribute(SHOWN_ATTRIBUTE):
        return read_display(volume, kind, opacity)
    return replace(default_display(result, kind), opacity=opacity)


def fields_of(display: MapDisplay) -> dict[str, Any]:
    """Return the fields of the parameter node that a look stands for."""
    return {
        "mapKind": display.kind.value,
        "mapColor": display.color,
        "opacity": display.opacity,
        "thresholdMm": display.threshold or 0.0,
        "windowLow": display.window[0],
        "windowHigh": display.window[1],
    }


def presentation_of(parameters: Any, result: Any, kind: MapKind) -> Presentation:
    """Return what the parameter node asks to be on the screen.

    Parameters
    ----------
    parameters
        `TTAUncertaintyParameters`.
    result
        `ResultNodes`.
    kind
        One of its maps.
    """
    own = display_of(result, kind, parameters.opacity)
    low, high = parameters.windowLow, parameters.windowHigh
    display = replace(
        own,
        color=parameters.mapColor or own.color,
        threshold=parameters.thresholdMm if parameters.thresholdMm > 0 else None,
        window=(low, high) if high > low else own.window,
    )
    background = _COMPARED.get(parameters.compare) or _among(
        Background, parameters.background, Background.WARPED
    )
    return Presentation(
        display,
        background=background,
        layout=_among(Layout, parameters.layout, None),
        transform=_among(TransformView, parameters.gridVisible, TransformView.NONE),
        in_3d=bool(parameters.map3d) and kind.facts.unit == "mm",
        level_3d=display.threshold or suggested_level(result, kind),
    )


def suggested_level(result: Any, kind: MapKind) -> float:
    """Return the value above which a twentieth of the anatomy lies; 0 where it is not known."""
    return float(_known(result, kind).get("p95", 0.0))


def limits_of(result: Any, display: MapDisplay) -> Limits:
    """Return how far the sliders reach: over all values, and over the present look."""
    low, high = display.window
    known = _known(result, display.kind)
    top = tidy_above(max(float(known.get("maximum", 0.0)), high, display.threshold or 0.0))
    return Limits(min(0.0, low), top)


def surfaces_differ(before: Presentation | None, wanted: Presentation) -> bool:
    """Tell whether surfaces in 3D that are on the screen have to be made for another value."""
    if before is None or not (before.in_3d and wanted.in_3d):
        return False
    return before.display.kind is wanted.display.kind and before.level_3d != wanted.level_3d


def _known(result: Any, kind: MapKind) -> dict[str, float]:
    return result.record.get("summary", {}).get("maps", {}).get(kind.value) or {}


def _among(kinds: Any, value: str, otherwise: Any) -> Any:
    return next((kind for kind in kinds if kind.value == value), otherwise)
