"""The lattice that images are brought to: 2 mm, axes towards right, anterior and superior."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

SPACING_MM = 2.0

_RAS = np.diag([-1.0, -1.0, 1.0])
"""Columns: the LPS directions of axes that run right, anterior, superior."""


def lattice_around_content(image: sitk.Image, shape: tuple[int, int, int]) -> sitk.Image:
    """Return an empty image whose middle is the middle of another image's positive voxels.

    Parameters
    ----------
    image
        In any orientation; only where it is positive matters.
    shape
        (D, H, W) of the result, whose axes k, j, i run superior, anterior, right.
    """
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(image > 0)
    box = statistics.GetBoundingBox(1)
    middle = [box[axis] + (box[axis + 3] - 1) / 2 for axis in range(3)]
    centre = np.array(image.TransformContinuousIndexToPhysicalPoint(middle))
    size = np.array(shape[::-1])
    lattice = sitk.Image(size.tolist(), sitk.sitkFloat32)
    lattice.SetSpacing((SPACING_MM,) * 3)
    lattice.SetDirection(_RAS.ravel().tolist())
    lattice.SetOrigin((centre - _RAS @ ((size - 1) / 2.0 * SPACING_MM)).tolist())
    return lattice


def bring_to_lattice(image: sitk.Image, lattice: sitk.Image) -> np.ndarray:
    """Resample an image linearly, 0 beyond its end; float32, [D, H, W].

    An image much finer than the lattice is smoothed first, so that thin structures become
    fractions instead of aliases.
    """
    image = sitk.Cast(image, sitk.sitkFloat32)
    if min(image.GetSpacing()) < 0.75 * SPACING_MM:
        image = sitk.SmoothingRecursiveGaussian(image, 0.7)
    resampled = sitk.Resample(image, lattice, sitk.Transform(), sitk.sitkLinear, 0.0)
    array: np.ndarray = sitk.GetArrayFromImage(resampled)
    return array
