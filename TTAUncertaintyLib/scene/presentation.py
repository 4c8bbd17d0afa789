"""What is on the screen: one description, put onto the scene as a whole.

A panel, or a page, changes the description; nothing else touches the views.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from .comparison import CHECKERBOARD, checkerboard, difference
from .display import MapDisplay, forget_legends, hide_legend, refresh_legend, show_map
from .layouts import SIDE_BY_SIDE, Layout, choose_layout, current_layout
from .map_in_3d import hide_in_3d, show_in_3d
from .outlines import Outlines, hide_outlines
from .result import ResultNodes
from .slices import Layers, hide_marks, set_layers
from .stage import Stage
from .structures import Structures
from .transform_view import TransformView, show_transform


class Background(Enum):
    """The image under the map."""

    WARPED = "warped"
    FIXED = "fixed"
    MOVING = "moving"  #: before the registration
    CHECKERBOARD = "checkerboard"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class Presentation:
    """What is shown of a result, and how."""

    display: MapDisplay
    #: Whether the map lies over the image at all.
    map_visible: bool = True
    #: The image under it. Where a volume is not in the scene (any more), the warped one.
    background: Background = Background.WARPED
    #: Arrangement of the views; None leaves it as it is.
    layout: Layout | None = Layout.FOUR_UP
    #: How the transform is drawn.
    transform: TransformView = TransformView.NONE
    #: Show in the 3D view what lies above `level_3d`, in the map's unit.
    in_3d: bool = False
    level_3d: float = 0.0
    #: What is outlined over the images, and the structures of the fixed one.
    outlines: Outlines = Outlines.NONE
    structures: Structures | None = None


def present(stage: Stage, result: ResultNodes, wanted: Presentation) -> None:
    """Put a presentation onto the scene. Views look where they looked before."""
    if wanted.layout is not None:
        choose_layout(stage, wanted.layout)
    volume = show_map(stage, result, wanted.display)
    set_layers(stage, _layers(stage, result, wanted, volume))
    if wanted.map_visible:
        refresh_legend(stage, volume)
    else:
        hide_legend(stage, volume)
    show_transform(result, wanted.transform)
    if wanted.in_3d and wanted.level_3d > 0:
        show_in_3d(stage, result, wanted.display.kind, wanted.level_3d)
    else:
        hide_in_3d(result)


def present_in_new_views(stage: Stage, result: ResultNodes, wanted: Presentation) -> None:
    """Put a presentation onto views that did not exist before, or may not have.

    A new view knows neither the legends that are older than itself nor, before the scene has
    ended a batch of changes, those that are newer.
    """
    forget_legends(stage, result.maps.values())
    present(stage, result, wanted)
    with stage.batch():
        pass


def show_turn(
    stage: Stage, result: ResultNodes, wanted: Presentation, background: Background
) -> None:
    """Show another image under the map for a moment, as when two images take turns.

    Side by side, the view of the map changes and the others hold still.
    """
    volume = result.maps.get(wanted.display.kind)
    opacity = wanted.display.opacity if wanted.map_visible else 0.0
    layers = Layers(
        background_of(stage, result, background), volume, opacity, _marks(result, wanted)
    )
    if current_layout(stage) is Layout.SIDE_BY_SIDE:
        set_layers(stage, {SIDE_BY_SIDE["map"]: layers})
    else:
        set_layers(stage, layers)


def withdraw(stage: Stage, result: ResultNodes) -> None:
    """Take out of the views what a presentation adds to them besides the volumes."""
    for volume in result.maps.values():
        hide_legend(stage, volume)
    show_transform(result, TransformView.NONE)
    hide_in_3d(result)
    hide_outlines(result)
    hide_marks(stage)


def background_of(stage: Stage, result: ResultNodes, background: Background) -> Any:
    """Return the volume of a background; the warped image where there is no such volume."""
    if background is Background.MOVING and result.moving is not None:
        return result.moving
    if result.fixed is None or background is Background.WARPED:
        return result.warped
    if background is Background.FIXED:
        return result.fixed
    if background is Background.CHECKERBOARD:
        return result.reference(CHECKERBOARD) or checkerboard(stage, result)
    if background is Background.DIFFERENCE:
        return difference(stage, result)
    return result.warped


def _layers(
    stage: Stage, result: ResultNodes, wanted: Presentation, volume: Any
) -> Layers | dict[str, Layers]:
    opacity = wanted.display.opacity if wanted.map_visible else 0.0
    background = background_of(stage, result, wanted.background)
    over = Layers(background, volume, opacity, _marks(result, wanted))
    if (wanted.layout or current_layout(stage)) is not Layout.SIDE_BY_SIDE:
        return over
    return {
        SIDE_BY_SIDE["fixed"]: Layers(result.fixed or result.warped),
        SIDE_BY_SIDE["warped"]: Layers(result.warped),
        SIDE_BY_SIDE["map"]: over,
    }


def _marks(result: ResultNodes, wanted: Presentation) -> Any:
    """Return what is outlined over the map: where a calibration does not reach."""
    return result.outside if wanted.map_visible and wanted.display.kind.is_error else None
