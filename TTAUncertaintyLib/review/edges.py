"""Where an image changes from dark to bright: lines to be laid over another image."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.lattice import Lattice

#: So many values divide an image: a head into what is around it, grey and white matter.
_THRESHOLDS = 2

#: Noise is taken away by so many voxels, and thresholds are found on every so many voxels.
_SIGMA, _STEP = 0.8, 2


def edge_regions(values: NDArray[np.generic], lattice: Lattice) -> NDArray[np.uint8]:
    """Divide an image into regions of like brightness, whose borders are its edges.

    Parameters
    ----------
    values
        Intensities, axes (k, j, i).
    lattice
        Of them.

    Returns
    -------
    ndarray
        Axes (k, j, i): 0 for the darkest, up to 2; thresholds are Otsu's.
    """
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing(lattice.spacing.tolist())
    sigma = (_SIGMA * lattice.spacing).tolist()
    thick = [n >= 4 for n in lattice.size]  # what it takes to smooth along an axis
    smooth = sitk.SmoothingRecursiveGaussian(image, sigma) if all(thick) else image
    otsu = sitk.OtsuMultipleThresholdsImageFilter()
    otsu.SetNumberOfThresholds(_THRESHOLDS)
    otsu.Execute(smooth[::_STEP, ::_STEP, ::_STEP])
    found = np.digitize(sitk.GetArrayViewFromImage(smooth), otsu.GetThresholds())
    return found.astype(np.uint8)
