"""Which voxels of an image are anatomy and not empty background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.outliers import without_outliers

if TYPE_CHECKING:
    from ..geometry import Image


def foreground(image: Image) -> NDArray[np.bool_]:
    """Return the body (or brain) in an image; see `foreground_of`."""
    return foreground_of(image.intensities.numpy())


def foreground_of(intensities: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the body (or brain) in an image: bright enough, one piece, holes filled.

    Parameters
    ----------
    intensities
        Of any scalar image with a dark background, axes (k, j, i).

    Returns
    -------
    ndarray
        bool, axes (k, j, i).

    Notes
    -----
    Outliers (a hot voxel, a broken number) have no part in it: the threshold would be theirs.
    Half of Otsu's threshold (IEEE Trans. SMC 9, 1979) keeps dark tissue such as cerebrospinal
    fluid; the largest connected component is taken and closed by 3 voxels.
    """
    intensities = without_outliers(intensities)
    picture = sitk.GetImageFromArray(intensities)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(picture)
    low = float(intensities.min())
    bright = picture > low + 0.5 * (otsu.GetThreshold() - low)
    pieces = sitk.RelabelComponent(sitk.ConnectedComponent(bright), sortByObjectSize=True)
    closed = sitk.GetImageFromArray(_closed(sitk.GetArrayFromImage(pieces) == 1, 3).view(np.uint8))
    return sitk.GetArrayFromImage(sitk.BinaryFillhole(closed)).astype(bool)


def _closed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Close a mask with a box: dilate, then erode; beyond the border there is nothing.

    As SimpleITK's `GrayscaleMorphologicalClosing`, in a fifth of its time.
    """
    grown = np.pad(mask, 2 * radius)
    for combine in (np.logical_or, np.logical_and):
        for axis in range(3):
            grown = _over_windows(grown, axis, 2 * radius + 1, combine)
    return grown


def _over_windows(
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
