"""The slice views: what each shows, that they move together, and where they look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from .stage import Stage, nodes_of_class

#: How much of a view's width, at the right, is left to the legend: its letters grow with the view,
#: and on a screen of 96 dots an inch the longest word takes as much as this.
LEGEND = 0.29

#: How much more than the volume a view shows, of its height and of what the legend leaves.
_ROOM_UP, _ROOM_ACROSS = 1.15, 1.04

#: A place nearer to the edge of a view than this share of its size is brought to its middle.
_EDGE = 0.06


@dataclass(frozen=True)
class Layers:
    """What a slice view shows."""

    #: Volumes; None for none.
    background: Any
    foreground: Any = None
    #: Of the foreground, 0 to 1.
    opacity: float = 0.0
    #: Label map of ours whose outline is drawn over both; None takes such an outline away.
    #: Anybody else's label map in a view is left alone.
    marks: Any = None


#: On the label maps that views outline for us.
MARKS_ATTRIBUTE = "TTAUncertainty.Marks"


def composites(stage: Stage, names: tuple[str, ...] | None = None) -> list[Any]:
    """Return the composite nodes of the slice views; `names` are layout names, None for all."""
    return _of_views(stage, "vtkMRMLSliceCompositeNode", names)


def slice_nodes(stage: Stage, names: tuple[str, ...] | None = None) -> list[Any]:
    """Return the slice nodes; `names` are layout names, None for all."""
    return _of_views(stage, "vtkMRMLSliceNode", names)


def _of_views(stage: Stage, kind: str, names: tuple[str, ...] | None) -> list[Any]:
    found = nodes_of_class(stage.scene, kind)
    return [node for node in found if names is None or node.GetLayoutName() in names]


def set_layers(stage: Stage, layers: Layers | Mapping[str, Layers]) -> None:
    """Show layers, in every slice view or in each view its own (by layout name), and link them."""
    for node in composites(stage):
        own = layers if isinstance(layers, Layers) else layers.get(node.GetLayoutName())
        if own is None:
            continue
        held = node.StartModify()
        node.SetBackgroundVolumeID(_id(own.background))
        node.SetForegroundVolumeID(_id(own.foreground))
        node.SetForegroundOpacity(own.opacity)
        _outline(stage, node, own.marks)
        node.SetLinkedControl(True)
        node.SetHotLinkedControl(True)
        node.EndModify(held)


def layers_now(stage: Stage) -> list[tuple[Any, str, str, float]]:
    """Return what `show_layers_again` needs to show what the slice views show now."""
    return [
        (
            node,
            node.GetBackgroundVolumeID(),
            node.GetForegroundVolumeID(),
            node.GetForegroundOpacity(),
        )
        for node in composites(stage)
    ]


def show_layers_again(before: list[tuple[Any, str, str, float]], instead_of: Any) -> None:
    """Show what was there before in the views that still show one volume as background."""
    for node, background, foreground, opacity in before:
        if instead_of is None or node.GetBackgroundVolumeID() != instead_of.GetID():
            continue
        held = node.StartModify()
        node.SetBackgroundVolumeID(background)
        node.SetForegroundVolumeID(foreground)
        node.SetForegroundOpacity(opacity)
        node.EndModify(held)


def hide_marks(stage: Stage) -> None:
    """Take our outlines out of every view."""
    for node in composites(stage):
        _outline(stage, node, None)


def _outline(stage: Stage, composite: Any, marks: Any) -> None:
    """Draw the outline of a label map in one view, or take ours away."""
    shown = stage.scene.GetNodeByID(composite.GetLabelVolumeID() or "")
    ours = shown is not None and shown.GetAttribute(MARKS_ATTRIBUTE)
    if marks is None:
        if ours:
            composite.SetLabelVolumeID(None)
        return
    composite.SetLabelVolumeID(marks.GetID())
    composite.SetLabelOpacity(1.0)
    for node in slice_nodes(stage, (composite.GetLayoutName(),)):
        node.SetUseLabelOutline(True)


def fit(stage: Stage, volume: Any, names: tuple[str, ...] | None = None) -> None:
    """Let slice views show the whole of a volume, through its middle, with room for a legend."""
    for logic in _logics(stage):
        node = logic.GetSliceNode()
        if names is None or node.GetLayoutName() in names:
            across, up = node.GetDimensions()[:2]
            held = node.StartModify()  # the view is drawn once, at the end
            logic.FitSliceToVolume(volume, across, up)
            size = [0.0, 0.0, 0.0]
            logic.GetVolumeSliceDimensions(volume, size, [0.0, 0.0, 0.0])
            # mm a pixel: the volume fits into the view's height, and into what the legend leaves
            scale = max(_ROOM_UP * size[1] / up, _ROOM_ACROSS * size[0] / ((1 - LEGEND) * across))
            node.SetFieldOfView(scale * across, scale * up, node.GetFieldOfView()[2])
            beside = (across * scale - size[0]) / 2  # mm to the right of a volume in the middle
            aside = max(0.0, LEGEND * across * scale - beside)
            node.SetXYZOrigin(aside, 0.0, 0.0)
            node.UpdateMatrices()
            node.EndModify(held)


def jump_to(stage: Stage, ras: tuple[float, float, float]) -> None:
    """Take every slice view to a place and mark it with the crosshair.

    What lies around it stays where it is on the screen; only a view that would not show the place,
    or only at its edge, is centred on it.

    Parameters
    ----------
    ras
        World, RAS, mm.
    """
    for node in slice_nodes(stage):
        node.JumpSliceByOffsetting(*ras)
        if not _well_in_view(node, ras):
            node.JumpSliceByCentering(*ras)
    crosshair = stage.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is not None:
        crosshair.SetCrosshairRAS(*ras)
        crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.ShowSmallBasic)


def move_to(stage: Stage, ras: tuple[float, float, float], names: tuple[str, ...]) -> None:
    """Let views show the slices through a place (world RAS mm), without moving them sideways."""
    for node in slice_nodes(stage, names):
        node.JumpSliceByOffsetting(*ras)


def middle_of(
    stage: Stage, names: tuple[str, ...], before: tuple[float, float, float] | None = None
) -> tuple[float, float, float]:
    """Return where the slices of several views meet, world RAS mm.

    Where they are parallel, what they leave open is taken from the place `before`, or is the middle
    of the views.

    Parameters
    ----------
    before
        World RAS mm.
    """
    normals, distances, middles = [], [], []
    for node in slice_nodes(stage, names):
        to_ras = node.GetSliceToRAS()
        normal = np.array([to_ras.GetElement(row, 2) for row in range(3)])
        origin = np.array([to_ras.GetElement(row, 3) for row in range(3)])
        normals.append(normal)
        distances.append(normal @ origin)
        middles.append(origin)
    start = np.mean(middles, axis=0) if before is None else np.array(before)
    rest = np.array(distances) - np.array(normals) @ start
    x, y, z = start + np.linalg.lstsq(np.array(normals), rest, rcond=1e-6)[0]
    return float(x), float(y), float(z)


def _well_in_view(node: Any, ras: tuple[float, float, float]) -> bool:
    """Return whether a slice view shows a place, and not only at its edge."""
    to_screen = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(node.GetXYToRAS(), to_screen)
    on_screen = to_screen.MultiplyPoint((*ras, 1.0))
    size = node.GetDimensions()
    return all(_EDGE * size[n] <= on_screen[n] <= (1 - _EDGE) * size[n] for n in (0, 1))


def hide_crosshair(stage: Stage) -> None:
    """Mark no place."""
    crosshair = stage.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is not None:
        crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.NoCrosshair)


def _logics(stage: Stage) -> list[Any]:
    logics = stage.application.GetSliceLogics()
    return (
        []
        if logics is None
        else [logics.GetItemAsObject(n) for n in range(logics.GetNumberOfItems())]
    )


def _id(volume: Any) -> str | None:
    return None if volume is None else str(volume.GetID())
