"""Two warped images held against each other, voxel by voxel."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk


def largest_difference(
    ours: np.ndarray, transform: sitk.Transform, fixed: sitk.Image, moving: sitk.Image
) -> float:
    """Return how far a warped image [k, j, i] lies from what SimpleITK makes of a transform.

    Voxels whose points lie on the very edge of the moving image (to 1e-4 voxel) are left out:
    there rounding decides whether they are in it.
    """
    darkest = float(sitk.GetArrayViewFromImage(moving).min())
    image = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, darkest)
    apart = np.abs(ours - sitk.GetArrayFromImage(image))
    for k, j, i in np.argwhere(apart > 1e-3 * apart.max()).tolist():
        point = transform.TransformPoint(fixed.TransformIndexToPhysicalPoint((i, j, k)))
        index = np.array(moving.TransformPhysicalPointToContinuousIndex(point))
        edges = np.concatenate((index + 0.5, np.array(moving.GetSize()) - 0.5 - index))
        if np.abs(edges).min() < 1e-4:
            apart[k, j, i] = 0.0
    return float(apart.max())
