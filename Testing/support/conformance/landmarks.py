"""Images of six balls, which tell an array apart from its turned, mirrored or shifted self."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from torch import Tensor

from TTAUncertaintyLib.geometry import Matrix

Array = NDArray[np.float64]

#: mm from the middle; three along each axis' both ends, nowhere symmetric.
BALLS = np.array(
    [
        [20.0, 2.0, -3.0],
        [-21.0, -3.0, 2.0],
        [3.0, 20.0, 4.0],
        [-2.0, -21.0, -4.0],
        [2.0, -3.0, 20.0],
        [-4.0, 3.0, -21.0],
    ]
)
#: mm. All different, by which the balls are told apart; smaller than any gap between two.
RADII = np.array([11.0, 10.0, 9.1, 8.3, 7.5, 6.8])
#: Share of an image's range above which a voxel belongs to a ball.
_THRESHOLD = 0.15


def balls_at(centers: Array) -> Callable[[Array], Array]:
    """Return the intensity, -100 to 900, of balls with smooth edges at world points."""

    def value(points: Array) -> Array:
        total = np.zeros(points.shape[:-1])
        for center, radius in zip(centers, RADII, strict=True):
            squared = ((points - center) ** 2).sum(-1) / radius**2
            total += np.clip(1 - squared, 0, None) ** 2
        return np.asarray(total * 1000 - 100)

    return value


def moved(points: Array, motion: Matrix) -> Array:
    """Apply a (4, 4) motion to points (..., 3)."""
    return np.asarray(points @ motion[:3, :3].T + motion[:3, 3])


def landmarks_in(array: Tensor) -> Array:
    """Return the centres of the balls in an array, the largest ball first.

    Parameters
    ----------
    array
        [a, b, c], any intensities in which the balls are bright.

    Returns
    -------
    Array
        Shape (6, 3), continuous indices, component n along axis n.

    Raises
    ------
    AssertionError
        If there are not six balls: the adapter cut off, blurred or dimmed what is there.
    """
    values = array.detach().double().cpu().numpy()
    low, high = float(values.min()), float(values.max())
    excess = np.clip(values - low - _THRESHOLD * (high - low), 0, None)
    mask = sitk.GetImageFromArray((excess > 0).astype(np.uint8))
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(mask))
    sizes = np.bincount(labels.ravel())[1:]
    # a sliver of a few voxels is what interpolation left at an edge, not a ball
    found = [n + 1 for n in np.flatnonzero(sizes >= 0.1 * sizes.max())] if sizes.size else []
    assert len(found) == len(BALLS), (
        f"the network was shown {len(found)} of {len(BALLS)} landmarks (array {values.shape})"
    )
    found.sort(key=lambda label: -float(excess[labels == label].sum()))
    centers = []
    for label in found:
        places = np.argwhere(labels == label)
        weights = excess[labels == label]
        centers.append((places * weights[:, None]).sum(0) / weights.sum())
    return np.array(centers)
