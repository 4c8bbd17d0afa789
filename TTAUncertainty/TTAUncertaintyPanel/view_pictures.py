"""Pictures of the views as they are on the screen, for the exported review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.results.review_report import Picture
from TTAUncertaintyLib.scene.layouts import SIDE_BY_SIDE, Layout, current_layout
from TTAUncertaintyLib.scene.pictures import png_of_window, views_as_before
from TTAUncertaintyLib.scene.slices import jump_to
from TTAUncertaintyLib.scene.stage import Stage

#: The slice views of Slicer's usual layouts.
_USUAL = ("Red", "Green", "Yellow")


def pictures_of_views(stage: Stage, what: str) -> Iterator[Picture]:
    """Yield pictures of the slice and 3D views, one at a time: each takes a moment.

    Parameters
    ----------
    what
        What the views show, for the captions.
    """
    manager = slicer.app.layoutManager()
    names = [name for name in _slice_names(stage) if name in manager.sliceViewNames()]
    for name in names:
        widget = manager.sliceWidget(name)
        caption = f"{_orientation(widget.mrmlSliceNode())}: {what}"
        yield Picture(caption, png_of(widget.sliceView()))
    if current_layout(stage) is not Layout.SIDE_BY_SIDE and manager.threeDViewCount:
        view = manager.threeDWidget(0).threeDView()
        yield Picture(_("3D: {what}").format(what=what), png_of(view))


def pictures_of_places(
    stage: Stage, places: dict[int, tuple[float, float, float]]
) -> Iterator[Picture]:
    """Yield a picture of each place, in the first slice view; after each, views are as before.

    Parameters
    ----------
    places
        World RAS mm by rank.
    """
    manager = slicer.app.layoutManager()
    names = [name for name in _slice_names(stage) if name in manager.sliceViewNames()]
    if not names:
        return
    # side by side, the map is in the last view
    widget = manager.sliceWidget(names[0] if names[0] in _USUAL else names[-1])
    for rank, place in places.items():
        with views_as_before(stage):
            jump_to(stage, place)
            caption = _("Place {rank}, {orientation}").format(
                rank=rank, orientation=_orientation(widget.mrmlSliceNode()).lower()
            )
            picture = Picture(caption, png_of(widget.sliceView()), rank)
        yield picture


def png_of(view: Any) -> bytes:
    """Return a slice or 3D view's picture as a PNG file."""
    view.forceRender()
    return png_of_window(view.renderWindow())


def _slice_names(stage: Stage) -> tuple[str, ...]:
    side_by_side = current_layout(stage) is Layout.SIDE_BY_SIDE
    return tuple(SIDE_BY_SIDE.values()) if side_by_side else _USUAL


def _orientation(node: Any) -> str:
    return str(node.GetOrientation())
