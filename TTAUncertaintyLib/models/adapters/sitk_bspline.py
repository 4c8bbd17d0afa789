"""B-spline registration of SimpleITK by mutual information, behind the contract."""

from __future__ import annotations

from threading import Event
from typing import NamedTuple

import SimpleITK as sitk

from ..descriptions import SITK_BSPLINE as DESCRIPTION
from .itk_images import components_first, stoppable, to_itk
from .optimisation import Array, OptimisedRegistration


class _Level(NamedTuple):
    """What the images are shrunk by, and the distance of the control points, mm."""

    shrink_factor: int
    control_mm: float


_LEVELS = (_Level(4, 48.0), _Level(2, 24.0))

_ITERATIONS = 20

#: How many of a level's voxels the metric looks at, on a regular grid.
_SAMPLES = 20_000

_HISTOGRAM_BINS = 32

#: What is darker has nothing to register; a margin of two voxels around the rest is looked at.
_BACKGROUND = 0.02

#: Largest coefficient, in distances of the control points: below 0.4 of them a cubic spline in
#: three dimensions is one-to-one, and so are splines composed of such. Source: Choi, Lee:
#: Injectivity conditions of 2D and 3D uniform cubic B-spline functions. Graphical Models 62 (2000).
_LARGEST_COEFFICIENT = 0.4


class SitkBSpline(OptimisedRegistration):
    """Cubic B-splines, coarse to fine, one composed onto the other, by mutual information.

    Sources: Rueckert, Sonoda, Hayes, Hill, Leach, Hawkes: Nonrigid registration using free-form
    deformations. IEEE TMI 18 (1999). Mattes, Haynor, Vesselle, Lewellen, Eubank: PET-CT image
    registration in the chest using free-form deformations. IEEE TMI 22 (2003).
    """

    description = DESCRIPTION

    #: ITK's L-BFGS-B is Fortran turned into C, its state in static variables.
    side_by_side = False

    def register(self, moving: Array, fixed: Array, stop: Event) -> Array:
        """See `OptimisedRegistration.register`."""
        target, source = (to_itk(image, self.spacing_mm) for image in (fixed, moving))
        mask = sitk.BinaryDilate(target > _BACKGROUND, [2, 2, 2])
        found = sitk.CompositeTransform(3)
        for level in _LEVELS:
            factor = min(level.shrink_factor, max(1, min(fixed.shape) // 8))
            spline = sitk.BSplineTransformInitializer(target, _mesh(target, level.control_mm))
            method = _method(level.control_mm, _SAMPLES * factor**3 / fixed.size)
            method.SetShrinkFactorsPerLevel([factor])
            method.SetSmoothingSigmasPerLevel([0.5 * factor * self.spacing_mm])
            method.SetMetricFixedMask(mask)
            method.SetInitialTransform(spline, inPlace=True)
            with stoppable(method, stop):
                method.Execute(target, sitk.Resample(source, target, found, sitk.sitkLinear))
            found.AddTransform(spline)  # ITK applies what was added last first
        field = sitk.TransformToDisplacementField(
            found,
            sitk.sitkVectorFloat32,
            target.GetSize(),
            target.GetOrigin(),
            target.GetSpacing(),
        )
        return components_first(field)


def _mesh(image: sitk.Image, control_mm: float) -> list[int]:
    """Return the cells of a control lattice along each axis."""
    lengths = [n * s for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    return [max(1, round(length / control_mm)) for length in lengths]


def _method(control_mm: float, share: float) -> sitk.ImageRegistrationMethod:
    """Return the optimiser of a level that looks at a share of its voxels."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_HISTOGRAM_BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(min(1.0, share), seed=1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    bound = _LARGEST_COEFFICIENT * control_mm
    method.SetOptimizerAsLBFGSB(
        numberOfIterations=_ITERATIONS,
        maximumNumberOfFunctionEvaluations=2 * _ITERATIONS,
        lowerBound=-bound,
        upperBound=bound,
    )
    return method
