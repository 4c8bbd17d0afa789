"""Pairs of points that a person has placed: target registration error beside the uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from .map_volume import MapVolume
from .why import Why

Point = tuple[float, float, float]
#: A map of points, shape (n, 3), fixed world to moving world, LPS mm.
PointMap = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class LandmarkPair:
    """The same anatomical place in both images."""

    #: What the person calls it.
    name: str
    #: Where it is in each image, world LPS.
    fixed_lps_mm: Point
    moving_lps_mm: Point


@dataclass(frozen=True)
class LandmarkFinding:
    """What the registration did to one pair."""

    pair: LandmarkPair
    before_mm: float
    #: Target registration error: from where the registration sends the fixed point to the moving
    #: point, in the moving image's world, where the uncertainty is measured too.
    after_mm: float
    #: Value of every map at the fixed point, by map key, in the map's unit; NaN without an
    #: estimate.
    at_fixed: dict[str, float]
    #: What raises the expected error at the fixed point; empty where that is not known.
    why: tuple[Why, ...] = ()


def evaluate_landmarks(
    pairs: Sequence[LandmarkPair], fixed_to_moving: PointMap, maps: Sequence[MapVolume]
) -> list[LandmarkFinding]:
    """Measure landmark pairs.

    Parameters
    ----------
    fixed_to_moving
        The registration; `point_map` makes one of an ITK transform.
    """
    if not pairs:
        return []
    fixed = np.array([pair.fixed_lps_mm for pair in pairs], dtype=float)
    moving = np.array([pair.moving_lps_mm for pair in pairs], dtype=float)
    before = np.linalg.norm(fixed - moving, axis=1)
    after = np.linalg.norm(fixed_to_moving(fixed) - moving, axis=1)
    values = {volume.key: volume.at(fixed) for volume in maps}
    known = next((volume.reasons for volume in maps if volume.reasons is not None), None)
    whys = [()] * len(pairs) if known is None else known.at(fixed)
    return [
        LandmarkFinding(
            pair,
            float(before[number]),
            float(after[number]),
            {key: float(found[number]) for key, found in values.items()},
            whys[number],
        )
        for number, pair in enumerate(pairs)
    ]


def point_map(transform: sitk.Transform | Path | str) -> PointMap:
    """Return an ITK transform, or the file of one, as a map of points.

    Raises
    ------
    InputError
        If the file cannot be read as a transform.
    """
    if isinstance(transform, (Path, str)):
        try:
            transform = sitk.ReadTransform(str(transform))
        except RuntimeError as error:
            raise InputError(
                f"{transform} cannot be read as an ITK transform.",
                "Give the transform file of a result.",
            ) from error
    known = transform

    def mapped(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([known.TransformPoint(point) for point in points.tolist()], dtype=float)

    return mapped
