"""What lies on one lattice, read at the voxels of another: results are kept on the network's.

Works without torch, which Slicer's Python lacks until it is installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from .lattice import Lattice
from .windows import grown

#: A voxel of less weight than this, by rounding, has no part in an interpolated value.
NO_WEIGHT = 1e-3


def carried(
    values: NDArray[Any], source: Lattice, target: Lattice, nearest: bool = False
) -> NDArray[Any]:
    """Return an array of one lattice at the voxels of another; itself where they are the same.

    Parameters
    ----------
    values
        Axes (k, j, i), on `source`.
    source, target
        Lattices, LPS mm, with perpendicular axes.

    Returns
    -------
    ndarray
        Of the type of `values`. Interpolated ones are NaN beyond the source's outermost voxel
        centres by more than half a voxel, and where a voxel that takes part is NaN.
    """
    if source.is_close(target):
        return values
    if nearest:
        return _resampled(values, source, target, sitk.sitkNearestNeighbor, 0.0)
    known = np.isfinite(values)
    if known.all():
        return _resampled(values, source, target, sitk.sitkLinear, np.nan)
    found = _resampled(np.where(known, values, 0), source, target, sitk.sitkLinear, np.nan)
    share = _resampled(known.astype(np.float32), source, target, sitk.sitkLinear, 0.0)
    found[share < 1 - NO_WEIGHT] = np.nan
    return found


def marked(values: NDArray[np.uint8], source: Lattice, target: Lattice) -> NDArray[np.uint8]:
    """Return marks (0 or 1) on another lattice: 1 where any voxel that takes part is marked."""
    if source.is_close(target):
        return values
    return (carried(values.astype(np.float32), source, target) > NO_WEIGHT).view(np.uint8)


def _resampled(
    values: NDArray[Any], source: Lattice, target: Lattice, how: int, outside: float
) -> NDArray[Any]:
    image = source.stamp(sitk.GetImageFromArray(values))
    wanted = sitk.ResampleImageFilter()
    wanted.SetSize(list(target.size))
    wanted.SetOutputSpacing(target.spacing.tolist())
    wanted.SetOutputOrigin(target.origin.tolist())
    wanted.SetOutputDirection(target.direction.ravel().tolist())
    wanted.SetInterpolator(how)
    wanted.SetDefaultPixelValue(outside)
    return np.asarray(sitk.GetArrayFromImage(wanted.Execute(image)))


def taking_part(marks: NDArray[np.bool_], source: Lattice, target: Lattice) -> NDArray[np.bool_]:
    """Tell which voxels of a lattice have a part in an interpolated value at a marked place.

    Parameters
    ----------
    marks
        bool, axes (k, j, i), on `source`.
    target
        What is interpolated; the result lies on it. The marks themselves where both are the same.

    Notes
    -----
    Where axes are oblique to each other, some voxels are told that lie just beside.
    """
    if source.is_close(target):
        return marks
    # how far one step of the target goes along each of the source's axes (i, j, k), in voxels
    reach = np.abs(source.inverse[:3, :3] @ target.linear).sum(axis=1)
    radius = np.ceil(np.maximum(reach - 0.5, 0) - 1e-6).astype(int)
    i, j, k = radius.tolist()
    wider = grown(np.pad(marks, ((k, k), (j, j), (i, i))), (k, j, i)).view(np.uint8)
    return carried(wider, source.padded(radius), target, nearest=True) > 0
