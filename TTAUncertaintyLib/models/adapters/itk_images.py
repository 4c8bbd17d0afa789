"""Arrays as ITK images and back, and ITK's long computations stopped when they are asked to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Event

import numpy as np
import SimpleITK as sitk

from .optimisation import Array, Stopped


def to_itk(array: Array, spacing_mm: float) -> sitk.Image:
    """Return an array [D, H, W] as an ITK image at the origin, along the axes."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([spacing_mm] * 3)
    return image


def components_first(field: sitk.Image) -> Array:
    """Return a vector image as [3, D, H, W], components (x, y, z)."""
    return np.ascontiguousarray(np.moveaxis(sitk.GetArrayViewFromImage(field), -1, 0), np.float32)


@contextlib.contextmanager
def stoppable(process: sitk.ProcessObject, stop: Event) -> Iterator[None]:
    """Let an ITK process end after the iteration in which `stop` is set.

    Raises
    ------
    Stopped
        If it did.
    """

    def look() -> None:
        if not stop.is_set():
            return
        if isinstance(process, sitk.ImageRegistrationMethod):
            process.StopRegistration()
        else:
            process.Abort()

    process.AddCommand(sitk.sitkIterationEvent, look)
    try:
        yield
    except RuntimeError as error:  # what ITK makes of an abort
        if stop.is_set():
            raise Stopped from error
        raise
    if stop.is_set():
        raise Stopped


def levels_that_fit(image: sitk.Image, shrink_factors: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shrink factors that leave at least 8 voxels along each axis, and always 1."""
    least = min(image.GetSize())
    return tuple(factor for factor in shrink_factors if factor == 1 or least // factor >= 8)
