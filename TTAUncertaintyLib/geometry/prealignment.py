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
from .lattice import Lattice, Matrix
from .linear import Prealignment, itk_transform, matrix_of
from .resample import resample_image

#: Spacing of the images the optimiser works on, mm, and its three resolution levels.
_WORKING_SPACING_MM = 4.0
_SHRINK_FACTORS = (4, 2, 1)
_SMOOTHING_MM = (8.0, 4.0, 2.0)
#: How much shorter steps become at each turn. Of ten known affine maps of a head, the worst was
#: missed by 6.8 mm with 0.6, by 2.0 mm with 0.8 and by 0.9 mm with 0.9: it must not stop early.
_RELAXATION = 0.9
#: What is thinner than this along an axis may be too thin to be aligned, mm.
_THIN_MM = 20.0
#: Of matrices in mm, in the frames of the images: rounding beyond is that of headers.
_DECIMALS = 9


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

    Each image is aligned in a frame of its own, along its voxel axes and about its middle, so that
    where its world has its origin and axes changes nothing: turning a header turns the result.
    """
    if kind is Prealignment.NONE:
        return start
    fixed_frame, moving_frame = _own_frame(fixed.lattice), _own_frame(moving.lattice)
    found = _align(
        fixed.on(_seen_from(fixed_frame, fixed.lattice)),
        moving.on(_seen_from(moving_frame, moving.lattice)),
        np.round(np.linalg.inv(moving_frame) @ start @ fixed_frame, _DECIMALS),
        kind,
    )
    return np.asarray(moving_frame @ found @ np.linalg.inv(fixed_frame))


def thin_slab(*images: Image) -> InputError | None:
    """Return why images that do not meet may not: one is a few slices; None if that is not it."""
    thinnest = min(images, key=lambda image: float(image.lattice.extent.min()))
    extent = thinnest.lattice.extent
    if extent.min() >= _THIN_MM:
        return None
    words = " x ".join(f"{edge:.0f}" for edge in extent)
    return InputError(
        f"{thinnest.name} is a slab of {words} mm ({min(thinnest.lattice.size)} slices), too thin "
        "to be aligned in three dimensions.",
        "Use an image with more slices.",
    )


def _own_frame(lattice: Lattice) -> Matrix:
    """Return the frame of a lattice, shape (4, 4): own axes and middle to world, LPS mm."""
    frame = np.eye(4)
    frame[:3, :3] = lattice.axes
    frame[:3, 3] = lattice.center
    return frame


def _seen_from(frame: Matrix, lattice: Lattice) -> Lattice:
    """Return a lattice in a frame; rounded, so that the same lattice elsewhere is the very same."""
    return Lattice(lattice.size, np.round(np.linalg.inv(frame) @ lattice.matrix, _DECIMALS))


def _align(fixed: Image, moving: Image, start: Matrix, kind: Prealignment) -> Matrix:
    """Align as `prealign` does, in whatever world the images are."""
    transform = _centered_transform(fixed, kind)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=100, relaxationFactor=_RELAXATION
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
        raise thin_slab(fixed, moving) or InputError(
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
