"""From the choices of the study to what is on the screen, and back from a scene that was opened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.scene.display import MapDisplay
from TTAUncertaintyLib.scene.layouts import Layout
from TTAUncertaintyLib.scene.looks import display_of, suggested_level
from TTAUncertaintyLib.scene.presentation import Background, Presentation
from TTAUncertaintyLib.scene.transform_view import TransformView

#: Key of the text on the result's node: the views have been fitted to it once.
FITTED_KEY = "views_fitted"

#: Values of the field `compare` that are images of their own.
_COMPARED = {
    "checkerboard": Background.CHECKERBOARD,
    "difference": Background.DIFFERENCE,
}


def kind_of(parameters: Any, result: Any) -> MapKind | None:
    """Return the map that is chosen, or the first there is; None where the result has none."""
    maps = result.maps
    wanted = next((kind for kind in maps if kind.value == parameters.mapKind), None)
    return wanted or next(iter(maps), None)


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


def _among(kinds: Any, value: str, otherwise: Any) -> Any:
    return next((kind for kind in kinds if kind.value == value), otherwise)
