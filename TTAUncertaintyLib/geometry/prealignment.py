"""Linear pre-alignment by optimisation, for networks that expect it.

A network trained on affinely aligned images answers badly where they are not. The two steps here
are explicit: each returns a matrix that goes into the result's provenance, and either can be
switched off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .image import Image
from .lattice import Matrix
from .linear import Prealignment, itk_transform, matrix_of
from .resample import resample_image

#: Spacing of the images the optimiser works on, mm, and its three resolution levels.
_WORKING_SPACING_MM = 4.0
_SHRINK_FACTORS = (4, 2, 1)
_SMOOTHING_MM = (8.0, 4.0, 2.0)


def prealign(fixed: Image, moving: Image, start: Matrix, kind: Prealignment) -> Matrix:
    """Align linearly by Mattes mutual information, from a start.

    Parameters
    ----------
    fixed, moving
        The images, any contrast.
    start
        Shape (4, 4), fixed world to moving world, LPS mm.
    kind
        Rigid or affine; NONE returns the start.

    Returns
    -------
    Matrix
        Shape (4, 4), fixed world to moving world, LPS mm.

    Raises
    ------
    InputError
        If the optimiser loses the overlap of the images.

    Notes
    -----
    Deterministic: every voxel of the 4 mm images is used, on one thread, so that sums come in
    the same order each time. Source of the metric: Mattes et al., IEEE TMI 22 (2003).
    """
    if kind is Prealignment.NONE:
        return start
    transform = _centered_transform(fixed, kind)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=100, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(_SHRINK_FACTORS)
    method.SetSmoothingSigmasPerLevel(_SMOOTHING_MM)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetMovingInitialTransform(itk_transform(start))
    method.SetInitialTransform(transform, inPlace=True)
    try:
        with itk_on_one_thread():
            method.Execute(_working_image(fixed), _working_image(moving))
    except RuntimeError as error:
        raise InputError(
            "The linear pre-alignment found no overlap between the images.",
            "Start from the centres of mass (--start mass), give an initial transform, or "
            "switch the step off (--prealign none).",
        ) from error
    return start @ matrix_of(transform)


@contextlib.contextmanager
def itk_on_one_thread() -> Iterator[None]:
    """Let ITK use one thread: the metric ignores the method's own setting."""
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


def _working_image(image: Image) -> sitk.Image:
    """Return the image at the optimiser's resolution, smoothed against aliasing."""
    spacing = np.maximum(image.lattice.spacing, _WORKING_SPACING_MM)
    return resample_image(image, image.lattice.resampled(spacing)).to_itk()


def _centered_transform(fixed: Image, kind: Prealignment) -> sitk.Transform:
    center = fixed.lattice.center.tolist()
    if kind is Prealignment.RIGID:
        rigid = sitk.Euler3DTransform()
        rigid.SetCenter(center)
        return rigid
    affine = sitk.AffineTransform(3)
    affine.SetCenter(center)
    return affine
