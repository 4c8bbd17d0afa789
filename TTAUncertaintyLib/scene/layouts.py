"""Layouts of views: Slicer's own four-up, and fixed, warped and map side by side."""

from __future__ import annotations

from enum import Enum
from typing import Any

import slicer

from .stage import Stage

#: Slice views of the side-by-side layout, by what they show: layout name and short label.
SIDE_BY_SIDE = {"fixed": "TTAFixed", "warped": "TTAWarped", "map": "TTAMap"}

_LABELS = {"fixed": "F", "warped": "W", "map": "U"}
_COLORS = {"fixed": "#8a8f98", "warped": "#8a8f98", "map": "#f1584f"}

#: Number under which the side-by-side layout is known to Slicer; above those of its own.
_SIDE_BY_SIDE_ID = 7351


class Layout(Enum):
    """Arrangements of the views."""

    FOUR_UP = "four-up"
    SIDE_BY_SIDE = "side-by-side"


def choose_layout(stage: Stage, layout: Layout) -> None:
    """Arrange the views; Slicer makes those that are not there yet."""
    node = stage.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if node is None:
        return
    if layout is Layout.SIDE_BY_SIDE:
        if not node.IsLayoutDescription(_SIDE_BY_SIDE_ID):
            node.AddLayoutDescription(_SIDE_BY_SIDE_ID, _description())
        node.SetViewArrangement(_SIDE_BY_SIDE_ID)
    else:
        node.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


def current_layout(stage: Stage) -> Layout | None:
    """Return the arrangement of the views; None for one that is not of ours."""
    node: Any = stage.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    arrangement = None if node is None else node.GetViewArrangement()
    if arrangement == _SIDE_BY_SIDE_ID:
        return Layout.SIDE_BY_SIDE
    known = slicer.vtkMRMLLayoutNode
    # a Slicer that has just started has the number of "initial", and draws four-up
    four_up = (known.SlicerLayoutFourUpView, known.SlicerLayoutInitialView)
    return Layout.FOUR_UP if arrangement in four_up else None


def _description() -> str:
    views = "".join(
        f'<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{_LABELS[what]}</property>'
        f'<property name="viewcolor" action="default">{_COLORS[what]}</property>'
        '<property name="viewgroup" action="default">7</property>'
        "</view></item>"
        for what, name in SIDE_BY_SIDE.items()
    )
    return f'<layout type="horizontal" split="true">{views}</layout>'
