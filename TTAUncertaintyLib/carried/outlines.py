"""Where a structure's outline may lie: at 5, 50 and 95 %.

A surface that is expected to be a mean distance d from the truth is taken to be off by a normal
amount along its normal, sigma = d sqrt(pi / 2). With s the distance to the carried surface,
negative inside, the structure is there with the probability P = Phi(-s / sigma). Along a surface,
d follows the expected error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry import Lattice

Box = tuple[slice, ...]

#: The outlines that are shown.
LEVELS = (0.05, 0.5, 0.95)

#: Beyond so many sigmas nothing is computed.
_REACH = 3.5

#: Along a surface, d is at most so many times its mean, and at least as small a part of it.
_MOST = 2.0

#: sigma over the mean distance of a normal error.
_SIGMA = math.sqrt(math.pi / 2)


def outline_probability(
    inside: NDArray[np.bool_],
    lattice: Lattice,
    distance_mm: float,
    expected_error: NDArray[np.float32] | None = None,
    error_on_surface_mm: float | None = None,
) -> NDArray[np.float32]:
    """Return the probability that each voxel belongs to a structure.

    Parameters
    ----------
    inside
        The structure by the plain answer, axes (k, j, i); not empty.
    lattice
        Of it; axes perpendicular.
    distance_mm
        Expected mean distance of its surface from the truth, d.
    expected_error, error_on_surface_mm
        A map, mm, and its mean on the surface: d is larger where the map is. None: d is the same
        everywhere.

    Returns
    -------
    ndarray
        float32, 0 to 1, axes (k, j, i).
    """
    found = inside.astype(np.float32)
    tight = tuple(slice(int(at.min()), int(at.max()) + 1) for at in np.nonzero(inside))
    box = _grown(tight, lattice, distance_mm)
    error = None if expected_error is None else expected_error[box]
    found[box] = _probability(inside[box], lattice, distance_mm, error, error_on_surface_mm)
    return found


def outline_bands(
    labels: NDArray[np.integer],
    lattice: Lattice,
    surfaces_mm: Mapping[int, tuple[float, float | None]],
    expected_error: NDArray[np.float32] | None = None,
) -> NDArray[np.bool_]:
    """Return where some structure's outline may lie: between 5 and 95 %.

    Parameters
    ----------
    labels
        Axes (k, j, i).
    lattice
        Of them; axes perpendicular.
    surfaces_mm
        By label, `distance_mm` and `error_on_surface_mm` of `outline_probability`.
    expected_error
        As of `outline_probability`.
    """
    found = np.zeros(labels.shape, bool)
    extents = sitk.LabelShapeStatisticsImageFilter()
    extents.ComputeFeretDiameterOff()
    extents.ComputePerimeterOff()
    extents.Execute(sitk.GetImageFromArray(labels.astype(np.int32)))
    for label, (distance_mm, error_on_surface_mm) in surfaces_mm.items():
        if not extents.HasLabel(label):
            continue
        i, j, k, *sizes = extents.GetBoundingBox(label)
        tight = tuple(slice(a, a + n) for a, n in zip((k, j, i), sizes[::-1], strict=True))
        box = _grown(tight, lattice, distance_mm)
        error = None if expected_error is None else expected_error[box]
        chance = _probability(
            labels[box] == label, lattice, distance_mm, error, error_on_surface_mm
        )
        found[box] |= (chance > LEVELS[0]) & (chance < LEVELS[-1])
    return found


def _grown(box: Box, lattice: Lattice, distance_mm: float) -> Box:
    """Return a structure's box and what lies around it as far as anything is computed."""
    longest = _REACH * _SIGMA * distance_mm * _MOST
    margin = np.ceil(longest / lattice.spacing[::-1]).astype(int) + 2
    return tuple(
        slice(max(0, part.start - m), part.stop + m)
        for part, m in zip(box, margin.tolist(), strict=True)
    )


def _probability(
    inside: NDArray[np.bool_],
    lattice: Lattice,
    distance_mm: float,
    expected_error: NDArray[np.float32] | None,
    error_on_surface_mm: float | None,
) -> NDArray[np.float32]:
    """Return the probability within a box; parameters as of `outline_probability`."""
    whole = np.pad(inside, 1)
    s = np.where(inside, -_to_nearest(~whole, lattice), _to_nearest(whole, lattice))
    # it is measured to centres of voxels: the surface lies half a voxel before them
    s -= np.copysign(np.float32(lattice.spacing.min() / 2), s)
    sigma = np.full(s.shape, _SIGMA * distance_mm, np.float32)
    if expected_error is not None and error_on_surface_mm:
        local = np.nan_to_num(expected_error / error_on_surface_mm, nan=1.0)
        sigma *= np.clip(local, 1 / _MOST, _MOST)
    return _phi((-s / np.maximum(sigma, 1e-3)).astype(np.float32))


def _to_nearest(mask: NDArray[np.bool_], lattice: Lattice) -> NDArray[np.float32]:
    """Return how far voxels outside a mask are from its nearest voxel, mm, without the margin."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(lattice.spacing.tolist())
    distance = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    return sitk.GetArrayFromImage(distance)[1:-1, 1:-1, 1:-1]


def _phi(z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the normal distribution function, to 1e-3 (Bowling et al., JIEM 2 (2009))."""
    z = np.clip(z, -5, 5)
    return np.asarray(1 / (1 + np.exp(-(1.5976 * z + 0.07056 * z**3))), dtype=np.float32)
