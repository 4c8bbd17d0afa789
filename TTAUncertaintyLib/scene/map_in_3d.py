"""A map in the 3D view: what lies above a threshold, inside the glassy surface of the anatomy."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

from ..geometry.lattice import Lattice
from ..results import MapKind
from .arrays import LPS_RAS, array_of, image_data, lattice_of, to_matrix
from .result import ResultNodes
from .stage import Stage

ANATOMY, HIGH = "surface.anatomy", "surface.high"

#: On a surface: what it was made of; it is not made again for other colours.
_MADE_OF = "TTAUncertainty.MadeOf"

#: Surfaces are made from voxels of about this size: finer ones cost seconds and show no more.
_VOXEL_MM = 2.0


def show_in_3d(stage: Stage, result: ResultNodes, kind: MapKind, threshold: float) -> None:
    """Show where a map lies above a threshold, as a surface, and the anatomy around it.

    Parameters
    ----------
    threshold
        In the map's unit.
    """
    volume = result.maps[kind]
    if result.reference(ANATOMY) is None and result.region is not None:
        region, lattice = _thinned(result.region)
        surface = _smooth(_contour(region, lattice, 0.5), 25)
        _put(stage, result, ANATOMY, f"Anatomy surface - {result.title}", surface)
    made_of = f"{kind.value} {threshold!r}"
    high = result.reference(HIGH)
    if high is None or high.GetAttribute(_MADE_OF) != made_of:
        values, lattice = _thinned(volume)
        surface = _smooth(_contour(values, lattice, threshold), 10)
        unit = f" {kind.facts.unit}" if kind.facts.unit else ""
        name = f"{kind.facts.title} above {threshold:.3g}{unit} - {result.title}"
        _put(stage, result, HIGH, name, surface)
        result.reference(HIGH).SetAttribute(_MADE_OF, made_of)
    _dress(result, volume, threshold)


def hide_in_3d(result: ResultNodes) -> None:
    """Take the surfaces out of the views; they stay in the scene."""
    result.hide(ANATOMY, HIGH)


def _thinned(volume: Any) -> tuple[NDArray[np.float32], Lattice]:
    """Return every n-th voxel of a volume, NaN as 0, and where they lie."""
    lattice = lattice_of(volume)
    steps = np.maximum(1, np.rint(_VOXEL_MM / lattice.spacing)).astype(int)
    i, j, k = steps.tolist()
    values = np.nan_to_num(array_of(volume)[::k, ::j, ::i].astype(np.float32), nan=0.0)
    matrix = lattice.matrix @ np.diag([i, j, k, 1.0])
    return values, Lattice((values.shape[2], values.shape[1], values.shape[0]), matrix)


def _contour(values: NDArray[np.float32], lattice: Lattice, at: float) -> Any:
    """Return the surface where values pass a level, in RAS mm."""
    edges = vtk.vtkFlyingEdges3D()
    # a rim of zeros closes surfaces that would be cut open by the edge of the image
    edges.SetInputData(image_data(np.pad(values, 1)))
    edges.SetValue(0, at)
    edges.ComputeNormalsOff()
    to_ras = vtk.vtkTransform()
    to_ras.SetMatrix(to_matrix(LPS_RAS @ lattice.matrix))
    to_ras.Translate(-1, -1, -1)
    moved = vtk.vtkTransformPolyDataFilter()
    moved.SetInputConnection(edges.GetOutputPort())
    moved.SetTransform(to_ras)
    moved.Update()
    return moved.GetOutput()


def _smooth(surface: Any, passes: int) -> Any:
    if surface.GetNumberOfPoints() == 0:
        return surface
    smoothed = vtk.vtkWindowedSincPolyDataFilter()
    smoothed.SetInputData(surface)
    smoothed.SetNumberOfIterations(passes)
    smoothed.SetPassBand(0.05)
    smoothed.NormalizeCoordinatesOn()
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(smoothed.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOn()
    normals.AutoOrientNormalsOn()
    normals.Update()
    return normals.GetOutput()


def _put(stage: Stage, result: ResultNodes, role: str, name: str, surface: Any) -> None:
    node = result.reference(role)
    if node is None:
        node = stage.scene.AddNewNodeByClass("vtkMRMLModelNode", name)
        node.CreateDefaultDisplayNodes()
        result.refer(role, node)
    node.SetName(name)
    node.SetAndObservePolyData(surface)


def _dress(result: ResultNodes, volume: Any, threshold: float) -> None:
    """Give the surfaces their colours: that of the threshold in the map's own, and glass."""
    anatomy, high = result.reference(ANATOMY), result.reference(HIGH)
    if anatomy is not None:
        display = anatomy.GetDisplayNode()
        display.SetColor(0.85, 0.83, 0.80)
        display.SetOpacity(0.22)
        display.SetVisibility(True)
        display.SetVisibility2D(False)
    display = high.GetDisplayNode()
    display.SetColor(*_color_of(volume, threshold))
    display.SetOpacity(1.0)
    display.SetVisibility(True)
    display.SetVisibility2D(False)


def _color_of(volume: Any, value: float) -> tuple[float, float, float]:
    """Return the colour that a volume's display gives to a value."""
    node = volume.GetDisplayNode()
    colors = node.GetColorNode()
    if colors is None:
        return 0.95, 0.35, 0.3
    low, high = node.GetWindowLevelMin(), node.GetWindowLevelMax()
    count = colors.GetNumberOfColors()
    share = min(1.0, max(0.0, (value - low) / max(high - low, 1e-12)))
    rgba = [0.0] * 4
    colors.GetColor(int(share * (count - 1)), rgba)
    return rgba[0], rgba[1], rgba[2]
