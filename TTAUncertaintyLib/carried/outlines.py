"""Where a structure's outline may lie: at 5, 50 and 95 %.

A surface that is expected to be a mean distance d from the truth is taken to be off by a normal
amount along its normal, sigma = d sqrt(pi / 2). With s the distance to the carried surface,
negative inside, the structure is there with the probability P = Phi(-s / sigma). Along a surface,
d follows the expected error.
"""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry import Lattice

#: The outlines that are shown.
LEVELS = (0.05, 0.5, 0.95)

#: Beyond so many sigmas nothing is computed.
_REACH = 3.5

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
    longest = _REACH * _SIGMA * distance_mm
    if expected_error is not None and error_on_surface_mm:
        longest *= 2
    margin = np.ceil(longest / lattice.spacing[::-1]).astype(int) + 2
    box = tuple(
        slice(max(0, int(at.min()) - m), int(at.max()) + 1 + m)
        for at, m in zip(np.nonzero(inside), margin, strict=True)
    )
    image = sitk.GetImageFromArray(np.pad(inside[box], 1).astype(np.uint8))
    image.SetSpacing(lattice.spacing.tolist())
    signed = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    s = sitk.GetArrayFromImage(signed)[1:-1, 1:-1, 1:-1]
    # it is measured from the centres of the outermost voxels: the surface lies half a voxel out
    s = s - np.float32(lattice.spacing.min() / 2)
    sigma = np.full(s.shape, _SIGMA * distance_mm, np.float32)
    if expected_error is not None and error_on_surface_mm:
        local = np.nan_to_num(expected_error[box] / error_on_surface_mm, nan=1.0)
        sigma *= np.clip(local, 0.5, 2.0)
    found[box] = _phi(-s / np.maximum(sigma, 1e-3))
    return found


def _phi(z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the normal distribution function, to 1e-3 (Bowling et al., JIEM 2 (2009))."""
    z = np.clip(z, -5, 5)
    return np.asarray(1 / (1 + np.exp(-(1.5976 * z + 0.07056 * z**3))), dtype=np.float32)
