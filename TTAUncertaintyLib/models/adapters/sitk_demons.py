"""Diffeomorphic demons of SimpleITK behind the contract."""

from __future__ import annotations

from threading import Event
from typing import NamedTuple

import SimpleITK as sitk

from ..descriptions import SITK_DEMONS as DESCRIPTION
from .itk_images import components_first, levels_that_fit, stoppable, to_itk
from .optimisation import Array, OptimisedRegistration


class _Level(NamedTuple):
    """Iterations at a resolution, and how far the field is smoothed after each (voxels)."""

    iterations: int
    smoothing: float


#: By shrink factor. Measured on brains at 2 mm: see the description of the model.
_LEVELS = {4: _Level(25, 2.5), 2: _Level(20, 2.0), 1: _Level(10, 1.5)}

#: Longest step of an iteration, voxels.
_LONGEST_STEP = 2.0


class SitkDemons(OptimisedRegistration):
    """Diffeomorphic demons, coarse to fine, after the histograms were matched.

    Source: Vercauteren, Pennec, Perchant, Ayache: Diffeomorphic demons: efficient non-parametric
    image registration. NeuroImage 45 (2009).
    """

    description = DESCRIPTION

    def register(self, moving: Array, fixed: Array, stop: Event) -> Array:
        """See `OptimisedRegistration.register`."""
        target = to_itk(fixed, self.spacing_mm)
        source = sitk.HistogramMatching(to_itk(moving, self.spacing_mm), target, 256, 15, True)
        field: sitk.Image | None = None
        for factor in levels_that_fit(target, tuple(_LEVELS)):
            images = [self._shrunk(image, factor) for image in (target, source)]
            if field is not None:
                field = sitk.Resample(
                    field, images[0], sitk.Transform(), sitk.sitkLinear, 0.0, field.GetPixelID()
                )
            demons = _demons(_LEVELS[factor])
            with stoppable(demons, stop):
                field = demons.Execute(*images, *([] if field is None else [field]))
        return components_first(field)

    def _shrunk(self, image: sitk.Image, factor: int) -> sitk.Image:
        if factor == 1:
            return image
        smooth = sitk.SmoothingRecursiveGaussian(image, 0.5 * factor * self.spacing_mm)
        return sitk.Shrink(smooth, [factor] * 3)


def _demons(level: _Level) -> sitk.DiffeomorphicDemonsRegistrationFilter:
    demons = sitk.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfIterations(level.iterations)
    demons.SmoothDisplacementFieldOn()
    demons.SetStandardDeviations(level.smoothing)
    demons.SetMaximumUpdateStepLength(_LONGEST_STEP)
    return demons
