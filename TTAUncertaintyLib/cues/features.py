"""Local features of a registration: what a voxel's expected error is read from.

Everything is in millimetres, or relative to the images' own contrast, and smoothed by Gaussians
whose widths are millimetres: a feature means the same for every network and every lattice.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..engine import Outcome
from ..geometry import sample
from ..geometry.windows import grown
from ..models import PreparedPair
from ..review.foreground import foreground_of
from .compute import contrast
from .reasons import Reason

#: Widths (standard deviations) at which intensities are correlated, mm.
_CORRELATION_MM = (2.0, 4.0, 8.0)

#: An axis along which a Gaussian is narrower than this many voxels is left as it is.
_NARROWEST = 0.3

#: Beyond the anatomy of either image, up to here there is an estimate, voxels.
_MARGIN = 2

#: Of the search for a better match: width of the windows that are compared, mm, and the
#: difference of two windows (in units of their contrast) that is still no difference.
_MATCH_MM, _MATCH_TOLERANCE = 3.0, 0.03

#: How many voxels along an axis that search goes.
_REACH = 2

#: Where the local contrast of images is brought to the same, mm.
_LEVEL_MM = 8.0

#: Weights of a Gaussian below this are none.
_NEGLIGIBLE = 1e-4

_TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Features:
    """Features of the voxels that show anatomy.

    Parameters
    ----------
    names
        One for each column, in the order of `FEATURES`.
    values
        float32 [n, len(names)], finite; each column's n values lie together in memory.
    region
        bool [D, H, W] on the network's fixed lattice: the n voxels, in the order of arrays.
    anatomy_cm3
        How large the anatomy is that either image shows.
    changed_contrast
        Of the pair; see `PreparedPair`.
    """

    names: tuple[str, ...]
    values: Tensor
    region: Tensor
    anatomy_cm3: float
    changed_contrast: bool = False

    def on_lattice(self, column: Tensor) -> Tensor:
        """Return values of the n voxels on the lattice, NaN elsewhere.

        Parameters
        ----------
        column
            [n] or [n, C].
        """
        whole = torch.full((*self.region.shape, *column.shape[1:]), math.nan)
        whole[self.region] = column.float()
        return whole


#: Every feature, and what a high error is put down to where this feature says so.
FEATURES: dict[str, Reason] = {
    "correlation_2": Reason.MISMATCH,
    "correlation_4": Reason.MISMATCH,
    "correlation_8": Reason.MISMATCH,
    "difference": Reason.MISMATCH,
    "difference_3": Reason.MISMATCH,
    "signed_3": Reason.MISMATCH,
    "angle_2": Reason.MISMATCH,
    "normal_offset_2": Reason.MISMATCH,
    "normal_offset_5": Reason.MISMATCH,
    "contrast_ratio_4": Reason.MISMATCH,
    "better_offset": Reason.MISMATCH,
    "better_gain": Reason.MISMATCH,
    "fluid_swap_4": Reason.MISMATCH,
    "total": Reason.CONTRADICTION,
    "total_4": Reason.CONTRADICTION,
    "total_relative": Reason.CONTRADICTION,
    "mean_offset": Reason.CONTRADICTION,
    "gap": Reason.NO_RETURN,
    "gap_4": Reason.NO_RETURN,
    "gap_relative": Reason.NO_RETURN,
    "log_jacobian": Reason.UNEVEN,
    "log_jacobian_4": Reason.UNEVEN,
    "strain": Reason.UNEVEN,
    "gradient_fixed_2": Reason.NOTHING,
    "gradient_warped_2": Reason.NOTHING,
    "contrast_fixed_2": Reason.NOTHING,
    "contrast_warped_2": Reason.NOTHING,
    "contrast_fixed_8": Reason.NOTHING,
    "laplacian_2": Reason.NOTHING,
    "level_2": Reason.NOTHING,
    "ambiguity": Reason.NOTHING,
    "fluid_4": Reason.NOTHING,
    "depth": Reason.NOTHING,
    "level_fixed": Reason.NOTHING,
    "level_warped": Reason.MISMATCH,
    "signed": Reason.MISMATCH,
    "correlation_1": Reason.MISMATCH,
    "contrast_fixed_1": Reason.NOTHING,
    "contrast_warped_1": Reason.NOTHING,
    "gradient_fixed_1": Reason.NOTHING,
    "gradient_warped_1": Reason.NOTHING,
    "angle_1": Reason.MISMATCH,
    "offset_1": Reason.MISMATCH,
    "bend_fixed_1": Reason.NOTHING,
    "bend_warped_1": Reason.NOTHING,
    "case_total": Reason.CONTRADICTION,
    "case_gap": Reason.NO_RETURN,
    "case_correlation": Reason.MISMATCH,
    "case_difference": Reason.MISMATCH,
}


def compute_features(
    outcome: Outcome, pair: PreparedPair, begun: BegunFeatures | None = None
) -> Features:
    """Return the features of a run.

    Parameters
    ----------
    outcome
        Of the engine, with two perturbations or more. Without a reverse pass the gap's features
        are zero.
    pair
        The images it was made from.
    begun
        What was computed before its last pass, which is used up; where the answer is another one
        by now it counts for nothing.

    Raises
    ------
    ValueError
        If there are no perturbations yet.
    """
    if outcome.variance is None:
        raise ValueError("There are no perturbations to take features of.")
    if begun is None or not torch.equal(begun.prediction, outcome.prediction):
        begun = begin_features(outcome, pair)
    return begun.completed(outcome, pair.changed_contrast)


def begin_features(outcome: Outcome, pair: PreparedPair) -> BegunFeatures:
    """Return the features that the passes have no part in: those of the images and the answer.

    Parameters
    ----------
    outcome
        Of the engine, after its first step or later.
    pair
        The images it is made from.
    """
    run = _Run(
        pair.fixed[0, 0].cpu().float(),
        sample(pair.moving.cpu().float(), outcome.prediction[None])[0, 0],
        outcome.transform().displacement,
        outcome.jacobian,
        outcome.fixed_lattice.spacing,
    )
    anatomy = foreground_of(run.fixed.numpy()) | foreground_of(run.warped.numpy())
    region = torch.from_numpy(grown(anatomy, (_MARGIN,) * 3))
    values = torch.empty(len(FEATURES), int(region.sum()))
    cm3 = float(anatomy.sum() * run.spacing.prod() / 1000)
    begun = BegunFeatures(outcome.prediction, region, values, cm3)
    shown, inside = torch.from_numpy(anatomy)[begun.box], region[begun.box]
    run, smooth = run.cropped(begun.box), Gaussian(run.spacing)
    begun.take(_of_images(run, shown, smooth))
    begun.take(_of_the_answer(run, inside, smooth))
    return begun


@dataclass(frozen=True, eq=False)
class BegunFeatures:
    """Features of which those are missing that the passes decide."""

    #: [3, D, H, W]: the answer that they are of, as in `Outcome`.
    prediction: Tensor
    #: As in `Features`.
    region: Tensor
    #: float32 [features, n], in the order of `FEATURES`.
    values: Tensor
    anatomy_cm3: float
    #: Those that are there.
    names: set[str] = field(default_factory=set)

    @functools.cached_property
    def box(self) -> tuple[slice, slice, slice]:
        """Return where on the lattice they are computed."""
        return _box_around(self.region)

    def take(self, found: Iterable[tuple[str, Tensor]]) -> None:
        """Keep features [D, H, W] of the box, or numbers, at the region's voxels."""
        at = self.region[self.box].reshape(-1).nonzero()[:, 0]
        rows = dict(zip(FEATURES, self.values, strict=True))
        for name, values in found:
            rows[name][:] = values.reshape(-1)[at] if values.ndim else values
            self.names.add(name)

    def completed(self, outcome: Outcome, changed_contrast: bool) -> Features:
        """Return all features, once the passes are made."""
        smooth = Gaussian(outcome.fixed_lattice.spacing)
        self.take(_of_the_passes(outcome, self.box, self.region[self.box], smooth))
        missing = FEATURES.keys() - self.names
        assert not missing, f"there is no {', '.join(missing)}"
        values = self.values.nan_to_num_(0.0, 0.0, 0.0).T
        return Features(tuple(FEATURES), values, self.region, self.anatomy_cm3, changed_contrast)


@dataclass(frozen=True, eq=False)
class _Run:
    """What the images and the answer say; [D, H, W] or [3, D, H, W] on the fixed lattice.

    The displacement is in mm, with components (x, y, z) in LPS; `spacing` is along (i, j, k). Of
    vectors only lengths are taken, and derivatives along the lattice's own axes, so that turning
    the lattice in the world changes nothing.
    """

    fixed: Tensor
    warped: Tensor
    displacement: Tensor
    jacobian: Tensor
    spacing: NDArray[np.float64]

    def cropped(self, box: tuple[slice, slice, slice]) -> _Run:
        at = (..., *box)
        return _Run(
            self.fixed[at],
            self.warped[at],
            self.displacement[at],
            self.jacobian[at],
            self.spacing,
        )


def _of_images(run: _Run, shown: Tensor, smooth: Gaussian) -> Iterator[tuple[str, Tensor]]:
    """Yield what the two images say, both in units of their own contrast."""
    fixed, warped = _levelled(run.fixed, shown), _levelled(run.warped, shown)
    yield from _of_intensities(fixed, warped, shown, smooth)
    yield from _of_slopes(fixed, warped, run.spacing, smooth)
    yield "depth", _depth(shown, run.spacing)
    yield from _of_detail(fixed, warped, run.spacing, smooth)
    both = _of_one_contrast(torch.stack((fixed, warped)), smooth)
    yield from _better_match(both, run.spacing, smooth)


def _of_detail(
    fixed: Tensor, warped: Tensor, spacing: NDArray[np.float64], smooth: Gaussian
) -> Iterator[tuple[str, Tensor]]:
    """Yield what the images show with hardly any smoothing: boundaries of structures are thin.

    Between two people these say most of all, each with its sign, as far as the network's voxels
    are small.
    """
    yield "level_fixed", fixed
    yield "level_warped", warped
    yield "signed", fixed - warped
    # in double: what is left of a variance within a millimetre is a small difference
    products = _products(fixed.double(), warped.double())
    means, deviations, correlation = (x.float() for x in _correlated(products, smooth, 1.0))
    yield "correlation_1", correlation
    yield "contrast_fixed_1", deviations[0]
    yield "contrast_warped_1", deviations[1]
    slopes = torch.stack([_gradient(mean, spacing) for mean in means])
    yield from _of_edges(slopes, "1")
    along = slopes.mean(0).square_().sum(0).sqrt_()
    yield "offset_1", (means[0] - means[1]) / (along + 0.05)
    for which, slope in zip(("fixed", "warped"), slopes, strict=True):
        bends = [_slope(slope[axis], axis, spacing) for axis in range(3)]
        yield f"bend_{which}_1", bends[0] + bends[1] + bends[2]


def _of_intensities(
    fixed: Tensor, warped: Tensor, shown: Tensor, smooth: Gaussian
) -> Iterator[tuple[str, Tensor]]:
    """Yield what the images' intensities say, one by one and together."""
    products = _products(fixed, warped)
    for width in _CORRELATION_MM:
        _, deviations, correlation = _correlated(products, smooth, width)
        yield f"correlation_{width:.0f}", correlation
        if width == 2.0:
            yield "contrast_fixed_2", deviations[0]
            yield "contrast_warped_2", deviations[1]
        elif width == 4.0:
            yield "case_correlation", correlation[shown].median()
            yield (
                "contrast_ratio_4",
                ((deviations[0] + 0.05) / (deviations[1] + 0.05)).log_().abs_(),
            )
        else:
            yield "contrast_fixed_8", deviations[0]
    difference = fixed - warped
    yield "difference", difference.abs()
    signed, length = smooth(torch.stack((difference, difference.abs())), 3.0)
    yield "signed_3", signed
    yield "difference_3", length
    yield "case_difference", length[shown].median()
    dark = torch.stack([((image < -1.0) & shown).float() for image in (fixed, warped)])
    swapped = (dark[0] - dark[1]).abs_()
    fluid, swap = smooth(torch.stack((dark[0], swapped)), 4.0)
    yield "fluid_4", fluid
    yield "fluid_swap_4", swap


def _of_slopes(
    fixed: Tensor, warped: Tensor, spacing: NDArray[np.float64], smooth: Gaussian
) -> Iterator[tuple[str, Tensor]]:
    """Yield what the images' edges say."""
    soft = smooth(torch.stack((fixed, warped)), 2.0)
    yield "level_2", soft[0]
    slopes = torch.stack([_gradient(image, spacing) for image in soft])  # [2, 3, ...]
    yield from _of_edges(slopes, "2")
    bends = [_slope(slopes[0, axis], axis, spacing) for axis in range(3)]
    yield "laplacian_2", (bends[0] + bends[1] + bends[2]).abs_()
    pair = torch.stack(((fixed - warped).square_(), slopes.mean(0).square_().sum(0)))
    for width in (2.0, 5.0):
        squares, steepness = smooth(pair, width)
        yield f"normal_offset_{width:.0f}", (squares / (steepness + 1e-3)).sqrt_()


def _of_edges(slopes: Tensor, width: str) -> Iterator[tuple[str, Tensor]]:
    """Yield how steep two images' slopes, [2, 3, D, H, W], are, and how far they point apart."""
    steep = slopes.square().sum(1).sqrt_()
    yield f"gradient_fixed_{width}", steep[0]
    yield f"gradient_warped_{width}", steep[1]
    yield f"angle_{width}", 1 - (slopes[0] * slopes[1]).sum(0) / (steep.prod(0) + 1e-3)


def _products(a: Tensor, b: Tensor) -> Tensor:
    """Return what local moments of two images are smoothed from, [5, D, H, W]."""
    return torch.stack((a, b, a * a, b * b, a * b))


def _correlated(
    products: Tensor, smooth: Gaussian, width_mm: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return local means and deviations of two images, [2, D, H, W] each, and 1 - correlation."""
    *means, aa, bb, ab = smooth(products, width_mm)
    mean_a, mean_b = means
    ab -= mean_a * mean_b
    variances = torch.stack((aa - mean_a**2, bb - mean_b**2)).clamp_(min=0)
    correlation = 1 - ab / (1e-3 + variances.prod(0).sqrt_())
    return torch.stack(means), variances.sqrt_(), correlation


def _of_the_answer(run: _Run, inside: Tensor, smooth: Gaussian) -> Iterator[tuple[str, Tensor]]:
    """Yield what the answer says by itself, without a unit."""
    bent = run.jacobian.clamp(min=1e-3).log_().abs_()
    yield "log_jacobian", bent
    yield "log_jacobian_4", smooth(bent[None], 4.0)[0]
    strain = torch.zeros_like(bent)
    for component, axis in itertools.product(run.displacement, range(3)):
        slope = _slope(component, axis, run.spacing)
        strain += (slope - slope[inside].mean()).square_()
    yield "strain", strain.sqrt_()


def _of_the_passes(
    outcome: Outcome, box: tuple[slice, slice, slice], inside: Tensor, smooth: Gaussian
) -> Iterator[tuple[str, Tensor]]:
    """Yield what the passes say, mm or without a unit."""
    assert outcome.variance is not None
    total = outcome.variance.traces().total[box].clamp(min=0).sqrt_()
    gap = outcome.inverse_consistency
    gap = torch.zeros_like(total) if gap is None else gap[box]
    for name, found in (("total", total), ("gap", gap)):
        middle = found[inside].median()
        yield name, found
        yield f"{name}_4", smooth(found[None], 4.0)[0]
        yield f"case_{name}", middle
        yield f"{name}_relative", found / (middle + _TINY)
    at = (..., *box)
    yield "mean_offset", outcome.variance.mean_offset[at].square().sum(0).sqrt_()


def _better_match(
    both: Tensor, spacing: NDArray[np.float64], smooth: Gaussian
) -> Iterator[tuple[str, Tensor]]:
    """Compare windows of the warped image, shifted by up to two voxels, with the fixed one.

    Each shift d gets a weight exp(-(c_d - c_best) / tolerance), c_d being the mean square
    difference of the two windows. Both images come in one local level and contrast.

    Yields
    ------
    tuple
        The length of the mean shift (mm); by how much the best one is better than none; how far
        the shifts that are as good scatter (mm).
    """
    fixed, warped = both
    steps = [(0, 0, 0), *(s for s in itertools.product((-1, 0, 1), repeat=3) if any(s))]
    steps += [(2, 0, 0), (-2, 0, 0), (0, 2, 0), (0, -2, 0), (0, 0, 2), (0, 0, -2)]
    # shift by shift, so that what is held stays in the processor's cache: sums of the weights, of
    # the shifts and of their squares, all relative to the best one so far
    padded = F.pad(warped[None], (_REACH,) * 6, mode="replicate")[0]
    sums = torch.zeros(5, *fixed.shape)
    unmoved = best = None
    for step in steps:
        cost = smooth((fixed - _shifted(padded, step)).square_()[None], _MATCH_MM)[0]
        if unmoved is None or best is None:
            unmoved = best = cost
        better = torch.minimum(best, cost)
        sums *= ((better - best) / _MATCH_TOLERANCE).exp_()
        best = better
        weight = ((best - cost) / _MATCH_TOLERANCE).exp_()
        shift = [n * float(mm) for n, mm in zip(step, spacing[::-1], strict=True)]
        for into, factor in zip(sums, (1.0, *shift, sum(s**2 for s in shift)), strict=True):
            if factor:
                into.add_(weight, alpha=factor)
    assert unmoved is not None and best is not None
    sums[1:] /= sums[0].clone()
    length = sums[1:4].square().sum(0)
    yield "better_offset", length.sqrt()
    yield "better_gain", unmoved - best
    yield "ambiguity", (sums[4] - length).clamp_(min=0).sqrt_()


def _of_one_contrast(images: Tensor, smooth: Gaussian) -> Tensor:
    """Return images [N, D, H, W] brought to the same local level and contrast."""
    level, squares = smooth(images, _LEVEL_MM), smooth(images.square(), _LEVEL_MM)
    spread = (squares - level.square()).clamp_(min=0).sqrt_()
    return (images - level) / (spread + 0.2)


def _shifted(padded: Tensor, step: tuple[int, ...]) -> Tensor:
    """Return an image [D, H, W] whose voxel p holds that at p + step; it comes padded."""
    starts = [_REACH + s for s in step]
    ends = [n - _REACH + s for n, s in zip(padded.shape, step, strict=True)]
    return padded[tuple(slice(*each) for each in zip(starts, ends, strict=True))]


def _levelled(image: Tensor, shown: Tensor) -> Tensor:
    """Return an image in units of its contrast, 0 at the middle of what it shows."""
    values = image[shown]
    return (image - values.median()) / contrast(values)


def _gradient(image: Tensor, spacing: NDArray[np.float64]) -> Tensor:
    """Return [3, D, H, W]: derivatives along the array's axes, per mm."""
    return torch.stack([_slope(image, axis, spacing) for axis in range(3)])


def _slope(image: Tensor, axis: int, spacing: NDArray[np.float64]) -> Tensor:
    """Return [D, H, W]: the derivative along an axis of the array, per mm."""
    return torch.gradient(image, spacing=float(spacing[2 - axis]), dim=axis)[0]


def _depth(shown: Tensor, spacing: NDArray[np.float64]) -> Tensor:
    """Return how deep a voxel lies below the surface of the anatomy, mm; negative outside."""
    mask = sitk.GetImageFromArray(shown.numpy().astype(np.uint8))
    mask.SetSpacing([float(s) for s in spacing])
    distance = sitk.SignedMaurerDistanceMap(mask, True, False, True)
    return torch.from_numpy(sitk.GetArrayFromImage(distance)).clamp(-20, 40)


def _box_around(region: Tensor) -> tuple[slice, slice, slice]:
    """Return the box of a region, and a few voxels more."""
    found = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        at = region.any(others[1]).any(others[0]).nonzero()[:, 0]
        first, last = (0, region.shape[axis]) if not len(at) else (int(at[0]), int(at[-1]) + 1)
        found.append(slice(max(0, first - 4), min(region.shape[axis], last + 4)))
    return found[0], found[1], found[2]


class Gaussian:
    """Smoothing by Gaussians of widths in mm; at the border the Gaussian is cut off.

    Parameters
    ----------
    spacing
        Of the lattice, mm along (i, j, k).

    Notes
    -----
    Along each axis a product with a matrix: on a processor that is many times as fast as a
    convolution of one channel. Map by map, which then stays in its cache.
    """

    def __init__(self, spacing: NDArray[np.float64]) -> None:
        self._spacing = spacing[::-1]

    def __call__(self, maps: Tensor, width_mm: float) -> Tensor:
        """Return maps [N, D, H, W], smoothed."""
        along_k, along_j, along_i = (
            _gaussian_matrix(size, width_mm / float(spacing)).to(maps.dtype)
            for size, spacing in zip(maps.shape[1:], self._spacing, strict=True)
        )
        found = torch.empty_like(maps)
        for into, each in zip(found, maps, strict=True):
            smooth = along_j @ (each @ along_i.T)
            torch.mm(along_k, smooth.flatten(1), out=into.view(len(into), -1))
        return found


@functools.lru_cache(maxsize=32)
def _gaussian_matrix(size: int, width: float) -> Tensor:
    """Return [size, size]: row n holds the weights of the voxels that make voxel n."""
    if width < _NARROWEST:
        return torch.eye(size)
    place = torch.arange(size, dtype=torch.float32)
    weights = (-0.5 * ((place[:, None] - place) / width) ** 2).exp()
    weights[weights < _NEGLIGIBLE] = 0.0  # numbers near the smallest are slow to multiply
    return weights / weights.sum(1, keepdim=True)
