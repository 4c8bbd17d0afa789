"""Transforms that were mixed up: the wrong direction, another frame, no overlap, a mirror image.

A given transform is tried as it stands and as the usual mistakes would have it. What fits far
better than what was given is told, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Image, Lattice, Matrix
from ..geometry.given_transform import GivenTransform
from ..review.landmarks import PointMap, point_map

Points = NDArray[np.float64]

#: Points that are tried.
_TRIED = 3000

#: A share of the fixed image's anatomy below this in the moving image is no overlap.
_LEAST_OVERLAP = 0.05

#: A mistake is suspected where undoing it leaves less than this share of the disagreement, and
#: the disagreement is more than so many mm.
_LEFT, _WORTH_MM = 0.5, 4.0

#: From RAS to LPS and back.
_FLIP = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Mistake:
    """A usual mistake."""

    #: A sentence about the transform.
    what: str
    #: What to do.
    remedy: str
    #: Given the map of points, fixed and moving lattice: the map as it was probably meant.
    undone: Callable[[PointMap, Lattice, Lattice], PointMap]


def _frame(given: PointMap, fixed: Lattice, moving: Lattice) -> PointMap:
    return lambda points: given(points * _FLIP) * _FLIP


def _components(given: PointMap, fixed: Lattice, moving: Lattice) -> PointMap:
    return lambda points: points + (given(points) - points) * _FLIP


def _voxels(given: PointMap, fixed: Lattice, moving: Lattice) -> PointMap:
    return lambda points: points + (given(points) - points) @ fixed.linear.T


def _mirror(given: PointMap, fixed: Lattice, moving: Lattice) -> PointMap:
    middle = 2 * moving.center * [1.0, 0.0, 0.0]
    return lambda points: middle + given(points) * [-1.0, 1.0, 1.0]


MISTAKES = (
    Mistake(
        "it seems to be written in RAS, and is read in LPS as ITK has it",
        "Export it as an ITK transform (LPS), or change the sign of x and y.",
        _frame,
    ),
    Mistake(
        "its displacements seem to be written in RAS, and are read in LPS as ITK has it",
        "Change the sign of their first two components (in NIfTI, intent 1006 says RAS).",
        _components,
    ),
    Mistake(
        "its displacements seem to be in voxels, and are read in millimetres",
        "Multiply them by the fixed image's voxel-to-world matrix.",
        _voxels,
    ),
    Mistake(
        "it seems to belong to images of which one is mirrored left to right",
        "Check which side is left in either image.",
        _mirror,
    ),
)

#: The mistake that takes the network's answer to see.
REVERSED = (
    "it seems to go the other way, from the moving to the fixed image",
    "Give its inverse: a registration's transform maps points of the fixed image to points of the "
    "moving one, as ITK stores it.",
)


def check_meets(
    given: GivenTransform, fixed: Image, moving: Image, anatomy: NDArray[np.bool_]
) -> None:
    """Refuse a transform that sends hardly anything of the fixed image into the moving one.

    Parameters
    ----------
    given
        Fixed world to moving world.
    fixed, moving
        The images.
    anatomy
        bool on the fixed image's voxels, axes (k, j, i).

    Raises
    ------
    InputError
        If so; with the mistake that would explain it, where one does.
    """
    points = _places(anatomy, fixed.lattice)
    as_given = point_map(given.itk)
    share = _share_inside(as_given(points), moving.lattice)
    if share >= _LEAST_OVERLAP:
        return
    remedy = "Check that it belongs to these images, and that it goes from fixed to moving."
    best = 0.5
    for mistake in MISTAKES:
        undone = mistake.undone(as_given, fixed.lattice, moving.lattice)
        meets = _share_inside(undone(points), moving.lattice)
        if meets > best:
            best = meets
            remedy = f"Perhaps {mistake.what}: then {meets:.0%} would meet it. {mistake.remedy}"
    raise InputError(
        f"{given.path.name} sends {share:.0%} of what {fixed.name} shows into {moving.name}: there "
        "is no overlap.",
        remedy,
    )


def check_direction(
    given: GivenTransform,
    answer: PointMap,
    fixed: Image,
    moving: Image,
    anatomy: NDArray[np.bool_],
) -> str | None:
    """Tell whether a transform fits the images far better in another reading of it.

    Parameters
    ----------
    given
        Fixed world to moving world, as it claims.
    answer
        The network's, fixed world to moving world.
    fixed, moving
        The images.
    anatomy
        bool on the fixed image's voxels, axes (k, j, i).

    Returns
    -------
    str or None
        A sentence with what to do; None where there is nothing to suspect.
    """
    points = _places(anatomy, fixed.lattice)
    as_given, found = point_map(given.itk), answer(points)
    apart = _median(as_given(points) - found)
    if apart < _WORTH_MM:
        return None
    tried = [(_median(as_given(found) - points), *REVERSED)]
    for mistake in MISTAKES:
        undone = mistake.undone(as_given, fixed.lattice, moving.lattice)
        tried.append((_median(undone(points) - found), mistake.what, mistake.remedy))
    left, what, remedy = min(tried)
    if left > _LEFT * apart:
        return None
    return (
        f"The transform is suspect: {what}. Read as given it lies a median of {apart:.1f} mm from "
        f"the network's answer, and {left:.1f} mm otherwise. {remedy}"
    )


def _places(anatomy: NDArray[np.bool_], lattice: Lattice) -> Points:
    where = np.flatnonzero(anatomy)
    k, j, i = np.unravel_index(where[:: max(1, len(where) // _TRIED)], anatomy.shape)
    return lattice.to_world(np.stack((i, j, k), -1))


def _share_inside(points: Points, lattice: Lattice) -> float:
    voxels = lattice.to_voxel(points)
    inside = (voxels >= -0.5) & (voxels <= np.array(lattice.size) - 0.5)
    return float(inside.all(axis=1).mean()) if len(voxels) else 0.0


def _median(vectors: Points | Matrix) -> float:
    return float(np.median(np.linalg.norm(vectors, axis=1)))
