"""Landmarks that a person placed on both images: how far the registration misses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

from ..errors import InputError
from ..review import LandmarkFinding, LandmarkPair, evaluate_landmarks
from ..review.landmarks import PointMap
from ..review.table import ras
from .result import ResultNodes
from .review_state import map_volumes
from .slices import jump_to
from .stage import Stage

_FLIP = np.array([-1.0, -1.0, 1.0])


def landmark_pairs(fixed: Any, moving: Any) -> list[LandmarkPair]:
    """Return the pairs of two markups lists, in their order, named after the fixed list's points.

    Parameters
    ----------
    fixed, moving
        vtkMRMLMarkupsFiducialNode, under any transforms; points that are not placed yet and their
        partners are left out.

    Raises
    ------
    InputError
        If the lists are the same, or differ in length.
    """
    if fixed is moving:
        raise InputError(
            "Both landmark lists are the same one.",
            "Choose the list on the fixed image and the list on the moving image.",
        )
    count, other = fixed.GetNumberOfControlPoints(), moving.GetNumberOfControlPoints()
    if count != other:
        raise InputError(
            f"{fixed.GetName()} has {count} points and {moving.GetName()} has {other}.",
            "Place every landmark on both images, in the same order.",
        )
    pairs = []
    for n in range(count):
        if _placed(fixed, n) and _placed(moving, n):
            name = fixed.GetNthControlPointLabel(n) or f"{n + 1}"
            pairs.append(LandmarkPair(name, _place(fixed, n), _place(moving, n)))
    return pairs


def measure_landmarks(result: ResultNodes, fixed: Any, moving: Any) -> list[LandmarkFinding]:
    """Return the target registration error of every pair beside the maps at its fixed point.

    Raises
    ------
    InputError
        If the lists do not fit together, or the transform is not in the scene any more.
    """
    return measure_pairs(result, landmark_pairs(fixed, moving))


def go_to_landmark(stage: Stage, finding: LandmarkFinding) -> None:
    """Take every slice view to a landmark on the fixed image and mark it with the crosshair."""
    jump_to(stage, ras(finding.pair.fixed_lps_mm))


def measure_pairs(result: ResultNodes, pairs: Sequence[LandmarkPair]) -> list[LandmarkFinding]:
    """Return the same of pairs that are not in the scene.

    Raises
    ------
    InputError
        If the transform is not in the scene any more.
    """
    if result.transform is None:
        raise InputError(
            "The transform of this result was deleted.", "Load the result again, or run it again."
        )
    in_mm = [volume for volume in map_volumes(result) if volume.unit == "mm"]
    return evaluate_landmarks(pairs, fixed_to_moving(result), in_mm)


def fixed_to_moving(result: ResultNodes) -> PointMap:
    """Return the registration as a map of points (n, 3), fixed to moving world, LPS mm.

    It is the transform node's own transform *from* parent; where that node hangs is a matter of
    the person's and does not count.
    """
    transform = vtk.vtkGeneralTransform()
    transform.Concatenate(result.transform.GetTransformFromParent())

    def mapped(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([transform.TransformPoint(point) for point in points * _FLIP]) * _FLIP

    return mapped


def _placed(node: Any, number: int) -> bool:
    return bool(node.GetNthControlPointPositionStatus(number) == node.PositionDefined)


def _place(node: Any, number: int) -> tuple[float, float, float]:
    ras = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(number, ras)
    x, y, z = (np.array(ras) * _FLIP).tolist()
    return x, y, z
