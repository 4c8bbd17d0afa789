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
    closed = sitk.GrayscaleMorphologicalClosing(pieces == 1, [3, 3, 3], sitk.sitkBox)
    return sitk.GetArrayFromImage(sitk.BinaryFillhole(closed)).astype(bool)
