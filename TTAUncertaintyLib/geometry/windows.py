"""Neighbourhoods of marked voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def grown(mask: NDArray[np.bool_], radius: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Mark what lies within a box about a marked voxel.

    Parameters
    ----------
    mask
        bool, axes (k, j, i).
    radius
        Of the box along (k, j, i), in voxels.
    """
    mask = np.pad(mask, [(r, r) for r in radius])
    for axis, r in enumerate(radius):
        mask = over_windows(mask, axis, 2 * r + 1, np.logical_or)
    return mask


def over_windows(
    mask: NDArray[np.bool_], axis: int, length: int, combine: np.ufunc
) -> NDArray[np.bool_]:
    """Combine every `length` neighbours along an axis, doubling what is combined each time."""
    combined = 1
    while combined < length:
        step = min(combined, length - combined)
        n = mask.shape[axis] - step
        along = np.moveaxis(mask, axis, 0)
        mask = np.moveaxis(combine(along[:n], along[step:]), 0, axis)
        combined += step
    return mask
