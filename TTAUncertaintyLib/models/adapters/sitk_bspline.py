"""B-spline registration of SimpleITK by mutual information, behind the contract."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Event

import SimpleITK as sitk

from ..contract import NO_OPTIONS
from ..descriptions import SITK_BSPLINE as DESCRIPTION
from .itk_images import components_first, stoppable, to_itk
from .optimisation import Array, OptimisedRegistration

#: Distance of the control points at the first level, mm; each further level halves it.
_FIRST_SPACING_MM = 48.0

#: By level: shrink factor of the images, and how many of the iterations it gets.
_SHRINK_FACTORS = (4, 2)
_ITERATIONS = 20

#: How many of a level's voxels the metric looks at, on a regular grid.
_SAMPLES = 20_000

_HISTOGRAM_BINS = 32

#: What is darker has nothing to register; a margin of two voxels around the rest is looked at.
_BACKGROUND = 0.02


class SitkBSpline(OptimisedRegistration):
    """A cubic B-spline, coarse to fine, by Mattes mutual information and L-BFGS.

    Sources: Rueckert, Sonoda, Hayes, Hill, Leach, Hawkes: Nonrigid registration using free-form
    deformations. IEEE TMI 18 (1999). Mattes, Haynor, Vesselle, Lewellen, Eubank: PET-CT image
    registration in the chest using free-form deformations. IEEE TMI 22 (2003).

    Parameters
    ----------
    weights
        None: it has none.
    options
        `spacing`: that of the common lattice, mm.
    """

    description = DESCRIPTION

    def __init__(
        self, weights: Path | None = None, options: Mapping[str, str] = NO_OPTIONS
    ) -> None:
        super().__init__(options)

    def register(self, moving: Array, fixed: Array, stop: Event) -> Array:
        """See `OptimisedRegistration.register`."""
        target, source = (to_itk(image, self.spacing_mm) for image in (fixed, moving))
        factors = [f for f in _SHRINK_FACTORS if f == 1 or min(fixed.shape) // f >= 8] or [1]
        spline = sitk.BSplineTransformInitializer(target, _mesh(target))
        method = _method(self.spacing_mm, factors, fixed.size)
        method.SetMetricFixedMask(sitk.BinaryDilate(target > _BACKGROUND, [2, 2, 2]))
        method.SetInitialTransformAsBSpline(spline, True, [2**n for n in range(len(factors))])
        with stoppable(method, stop):
            method.Execute(target, source)
        field = sitk.TransformToDisplacementField(
            spline,
            sitk.sitkVectorFloat32,
            target.GetSize(),
            target.GetOrigin(),
            target.GetSpacing(),
        )
        return components_first(field)


def _mesh(image: sitk.Image) -> list[int]:
    """Return the cells of the first level's control lattice along each axis."""
    lengths = [n * s for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    return [max(1, round(length / _FIRST_SPACING_MM)) for length in lengths]


def _method(spacing_mm: float, factors: list[int], voxels: int) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_HISTOGRAM_BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    shares = [min(1.0, _SAMPLES * factor**3 / voxels) for factor in factors]
    method.SetMetricSamplingPercentagePerLevel(shares, seed=1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel(factors)
    method.SetSmoothingSigmasPerLevel([0.5 * factor * spacing_mm for factor in factors])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetOptimizerAsLBFGS2(
        solutionAccuracy=1e-5, numberOfIterations=_ITERATIONS, deltaConvergenceTolerance=1e-4
    )
    return method
