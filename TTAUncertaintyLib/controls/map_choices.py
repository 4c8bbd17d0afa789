"""What a person chooses of a map and its views, and what that comes to on the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from ..results import MapKind
from ..scene.display import OPACITY, MapDisplay
from ..scene.layouts import Layout
from ..scene.looks import display_of, suggested_level
from ..scene.outlines import Outlines
from ..scene.presentation import Background, Presentation
from ..scene.result import ResultNodes
from ..scene.structures import Structures
from ..scene.transform_view import TransformView

_Kind = TypeVar("_Kind", bound=Enum)

#: Values of `compare` that are images of their own.
_COMPARED = {
    "checkerboard": Background.CHECKERBOARD,
    "difference": Background.DIFFERENCE,
}


@dataclass(frozen=True)
class MapChoices:
    """The choices, as a panel or a page keeps them."""

    #: The map, a value of `MapKind`; another one than the result has means its first.
    kind: str = ""
    #: Name of its colour table; "" or an unknown one for the map's own colours.
    color: str = ""
    #: Of the map over the image, 0 to 1.
    opacity: float = OPACITY
    #: The map is transparent below, in its unit; 0 shows all of it.
    threshold: float = 0.0
    #: Ends of the colours, in the map's unit; equal for the map's own range.
    window: tuple[float, float] = (0.0, 0.0)
    #: "warped", "fixed" or "moving".
    background: str = Background.WARPED.value
    #: "none", "flicker", "checkerboard" or "difference".
    compare: str = "none"
    #: A value of `Layout`; "" leaves the views as they are.
    layout: str = ""
    #: A value of `TransformView`.
    transform: str = TransformView.NONE.value
    #: A value of `Outlines`.
    outlines: str = Outlines.NONE.value
    #: Whether the map's high places are shown in 3D.
    in_3d: bool = False


def kind_of(choices: MapChoices, result: ResultNodes) -> MapKind | None:
    """Return the map that is chosen, or the first there is; None where the result has none."""
    maps = result.maps
    wanted = next((kind for kind in maps if kind.value == choices.kind), None)
    return wanted or next(iter(maps), None)


def fields_of(display: MapDisplay) -> dict[str, Any]:
    """Return the fields of `MapChoices` that a look stands for."""
    return {
        "kind": display.kind.value,
        "color": display.color,
        "opacity": display.opacity,
        "threshold": display.threshold or 0.0,
        "window": display.window,
    }


def presentation_of(
    choices: MapChoices,
    result: ResultNodes,
    kind: MapKind,
    colors: tuple[str, ...],
    structures: Callable[[], Structures | None],
) -> Presentation:
    """Return what choices ask to be on the screen.

    Parameters
    ----------
    choices, result
        Whose, and of what.
    kind, colors
        One of the maps, and its colour tables.
    structures
        Returns those of the fixed image; asked where they are to be outlined.
    """
    own = display_of(result, kind, min(max(choices.opacity, 0.0), 1.0))
    low, high = choices.window
    display = replace(
        own,
        color=choices.color if choices.color in colors else own.color,
        threshold=choices.threshold if choices.threshold > 0 else None,
        window=(low, high) if high > low else own.window,
    )
    background = _among(Background, choices.background) or Background.WARPED
    outlines = _among(Outlines, choices.outlines) or Outlines.NONE
    return Presentation(
        display,
        background=_COMPARED.get(choices.compare) or background,
        layout=_among(Layout, choices.layout),
        transform=_among(TransformView, choices.transform) or TransformView.NONE,
        in_3d=bool(choices.in_3d) and kind.facts.unit == "mm",
        level_3d=display.threshold or suggested_level(result, kind),
        outlines=outlines,
        structures=structures() if outlines is Outlines.STRUCTURES else None,
    )


def _among(kinds: type[_Kind], value: str) -> _Kind | None:
    return next((kind for kind in kinds if kind.value == value), None)
