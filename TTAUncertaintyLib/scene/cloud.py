"""The spread at a point, as it is: where every perturbed pass put it, and the ellipsoid of that.

Offsets are measured in the moving image's world. They are drawn in the fixed image's, around the
point that was asked for, turned back by the rotation in the initial alignment; lengths stay those
of the maps, in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk

from ..errors import InputError
from ..results.registrations import KeptRegistrations, PointCovariances
from ..review.spread import Contour, PrincipalAxes, principal_axes, root_trace, spread_words
from .arrays import LPS_RAS, to_matrix
from .result import ResultNodes
from .slices import jump_to, slice_nodes
from .stage import Stage, nodes_of_class

CLOUD, ELLIPSOID = "cloud", "ellipsoid"

#: How much a view shows that looks closely, in the largest standard deviations; at least this, mm.
_VIEW_SIGMAS, _SMALLEST_VIEW_MM = 9.0, 4.0
#: Radius of a position's ball, as a share of that.
_BALL = 0.01
_FLIP = np.array([-1.0, -1.0, 1.0])
#: Blues, which no place of the maps' own colours has.
_COLORS = {CLOUD: (0.25, 0.95, 1.0), ELLIPSOID: (0.10, 0.30, 0.95)}
_OPACITY = {CLOUD: 1.0, ELLIPSOID: 0.25}

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PointSpread:
    """What the passes say at a point."""

    #: The point, world RAS mm.
    ras: tuple[float, float, float]
    #: Shape (n, 3): where each pass puts it, drawn around the point, world RAS mm.
    positions: Array
    #: mm^2, LPS of the moving world; intrinsic and jitter are None where R = 1.
    covariances: PointCovariances
    #: Principal axes of the total covariance as drawn, RAS.
    axes: PrincipalAxes

    @property
    def total_mm(self) -> float:
        """The value of the total map here, before clamping and interpolation of maps, mm."""
        return root_trace(self.covariances.total)

    @property
    def words(self) -> str:
        """The numbers, in sentences for a person."""
        found = self.covariances
        return spread_words(self.axes, found.total, found.intrinsic, found.jitter)


def spread_at(
    result: ResultNodes, kept: KeptRegistrations, ras: tuple[float, float, float]
) -> PointSpread:
    """Return what the passes say at a point.

    Parameters
    ----------
    result, kept
        A result and the registrations that its bundle kept.
    ras
        World, RAS, mm, on the fixed image.

    Raises
    ------
    InputError
        If the point lies outside what the network saw.
    """
    lps = np.asarray(ras) * _FLIP
    offsets = kept.offsets_at(lps)
    if not np.isfinite(offsets).all():
        raise InputError("There is no estimate at this point.", "Choose a point inside the image.")
    back = _rotation(result).T
    covariances = kept.covariances_at(lps)
    drawn = LPS_RAS[:3, :3] @ back
    total = drawn @ covariances.total @ drawn.T
    return PointSpread(ras, np.asarray(ras) + offsets @ drawn.T, covariances, principal_axes(total))


def show_spread(
    stage: Stage,
    result: ResultNodes,
    spread: PointSpread,
    contour: Contour = Contour.PERCENT_95,
    cloud: bool = True,
    ellipsoid: bool = True,
) -> None:
    """Draw the positions as small balls, and the total covariance as an ellipsoid.

    Parameters
    ----------
    contour
        Which surface of the covariance the ellipsoid is.
    cloud, ellipsoid
        What is drawn of it.
    """
    # the ellipsoid first: slice views draw what is older below
    _put(stage, result, ELLIPSOID, "Spread", ellipsoid_surface(spread, contour), ellipsoid)
    _put(stage, result, CLOUD, "Positions of the passes", _balls(spread), cloud)


def look_closely(stage: Stage, spread: PointSpread) -> None:
    """Take all views to the point, so near that its spread fills a good part of them.

    The 3D views look across the longest axis: along it, an ellipsoid is a dot.
    """
    wide = _width_of_view(spread)
    for node in slice_nodes(stage):
        width, height, depth = node.GetFieldOfView()
        node.SetFieldOfView(wide * max(1.0, width / height), wide * max(1.0, height / width), depth)
        node.UpdateMatrices()
    jump_to(stage, spread.ras)
    middle = spread.positions.mean(axis=0)
    across, up = spread.axes.directions[:, 2], spread.axes.directions[:, 1]
    for camera in nodes_of_class(stage.scene, "vtkMRMLCameraNode"):
        distance = wide / 2 / np.tan(np.deg2rad(camera.GetViewAngle()) / 2)
        camera.SetFocalPoint(*middle)
        camera.SetPosition(*(middle + distance * across))
        camera.SetViewUp(*up)
        camera.ResetClippingRange()


def hide_spread(result: ResultNodes) -> None:
    """Take cloud and ellipsoid out of the views."""
    result.hide(CLOUD, ELLIPSOID)


def ellipsoid_surface(spread: PointSpread, contour: Contour) -> Any:
    """Return the surface of a covariance around its point, vtkPolyData, RAS mm."""
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(1.0)
    sphere.SetThetaResolution(48)
    sphere.SetPhiResolution(24)
    matrix = np.eye(4)
    radii = np.maximum(contour.value * spread.axes.sigma_mm, 1e-3)
    matrix[:3, :3] = spread.axes.directions * radii
    matrix[:3, 3] = spread.positions.mean(axis=0)
    place = vtk.vtkTransform()
    place.SetMatrix(to_matrix(matrix))
    moved = vtk.vtkTransformPolyDataFilter()
    moved.SetInputConnection(sphere.GetOutputPort())
    moved.SetTransform(place)
    moved.Update()
    return moved.GetOutput()


def _width_of_view(spread: PointSpread) -> float:
    """Return how much a view shows that looks closely, mm."""
    return max(_SMALLEST_VIEW_MM, _VIEW_SIGMAS * float(spread.axes.sigma_mm[0]))


def _balls(spread: PointSpread) -> Any:
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(spread.positions), deep=1))
    data = vtk.vtkPolyData()
    data.SetPoints(points)
    ball = vtk.vtkSphereSource()
    ball.SetRadius(_BALL * _width_of_view(spread))
    glyphs = vtk.vtkGlyph3D()
    glyphs.SetInputData(data)
    glyphs.SetSourceConnection(ball.GetOutputPort())
    glyphs.ScalingOff()
    glyphs.Update()
    return glyphs.GetOutput()


def _rotation(result: ResultNodes) -> Array:
    """Return the rotation in the initial alignment, fixed to moving world, LPS, shape (3, 3)."""
    initial = np.array(result.record["placement"]["initial_fixed_to_moving_lps"], dtype=float)
    left, _, right = np.linalg.svd(initial[:3, :3])
    if np.linalg.det(left @ right) < 0:  # a mirrored start: no rotation comes closer
        left[:, -1] *= -1
    return np.asarray(left @ right)


def _put(
    stage: Stage, result: ResultNodes, role: str, name: str, surface: Any, visible: bool
) -> None:
    node = result.reference(role)
    if node is None:
        node = stage.scene.AddNewNodeByClass("vtkMRMLModelNode", f"{name} - {result.title}")
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetColor(*_COLORS[role])
        display.SetOpacity(_OPACITY[role])
        # projected onto the slice: hardly any position lies exactly in it
        display.SetVisibility2D(True)
        display.SetSliceDisplayModeToProjection()
        display.SetSliceIntersectionOpacity(_OPACITY[role])
        result.refer(role, node)
    node.SetAndObservePolyData(surface)
    node.SetDisplayVisibility(visible)
