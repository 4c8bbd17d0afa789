"""Local features of a registration: what a voxel's expected error is read from.

Everything is in millimetres, or relative to the images' own contrast, and smoothed by Gaussians
whose widths are millimetres: a feature means the same for every network and every lattice.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..engine import Outcome
from ..geometry import sample
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
        float32 [n, len(names)], finite.
    region
        bool [D, H, W] on the network's fixed lattice: the n voxels, in the order of arrays.
    """

    names: tuple[str, ...]
    values: Tensor
    region: Tensor

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
    "case_total": Reason.CONTRADICTION,
    "case_gap": Reason.NO_RETURN,
    "case_correlation": Reason.MISMATCH,
    "case_difference": Reason.MISMATCH,
}


def compute_features(outcome: Outcome, pair: PreparedPair) -> Features:
    """Return the features of a run.

    Parameters
    ----------
    outcome
        Of the engine, with two perturbations or more. Without a reverse pass the gap's features
        are zero.
    pair
        The images it was made from.

    Raises
    ------
    ValueError
        If there are no perturbations yet.
    """
    if outcome.variance is None:
        raise ValueError("There are no perturbations to take features of.")
    transform = outcome.transform()
    return features_of(
        _Run(
            pair.fixed[0, 0].cpu().float(),
            sample(pair.moving.cpu().float(), outcome.prediction[None])[0, 0],
            transform.displacement,
            outcome.jacobian,
            outcome.variance.traces().total.clamp(min=0).sqrt(),
            outcome.variance.mean_offset,
            outcome.inverse_consistency,
            outcome.fixed_lattice.spacing,
        )
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """What features are made of; arrays [D, H, W] or [3, D, H, W] on the network's fixed lattice.

    Displacement, total, mean offset and gap are in mm, vectors with components (x, y, z) in LPS;
    `spacing` is along (i, j, k). Of vectors only lengths are taken, and derivatives along the
    lattice's own axes, so that turning the lattice in the world changes nothing.
    """

    fixed: Tensor
    warped: Tensor
    displacement: Tensor
    jacobian: Tensor
    total: Tensor
    mean_offset: Tensor
    gap: Tensor | None
    spacing: NDArray[np.float64]

    def cropped(self, box: tuple[slice, slice, slice]) -> _Run:
        at = (..., *box)
        return replace(
            self,
            fixed=self.fixed[at],
            warped=self.warped[at],
            displacement=self.displacement[at],
            jacobian=self.jacobian[at],
            total=self.total[at],
            mean_offset=self.mean_offset[at],
            gap=None if self.gap is None else self.gap[at],
        )


def features_of(run: _Run) -> Features:
    """Return the features of a run; see `compute_features`."""
    shown = torch.from_numpy(foreground_of(run.fixed.numpy()) | foreground_of(run.warped.numpy()))
    region = F.max_pool3d(shown[None, None].float(), 2 * _MARGIN + 1, 1, _MARGIN)[0, 0] > 0
    box = _box_around(region)
    inside = region[box]
    run = run.cropped(box)
    smooth = _Gaussian(run.spacing)
    maps = _of_images(run, shown[box], smooth) | _of_the_answer(run, inside, smooth)
    values = torch.zeros(int(inside.sum()), len(FEATURES))
    for column, name in enumerate(FEATURES):
        found = maps[name]
        values[:, column] = found[inside] if found.ndim else found
    return Features(tuple(FEATURES), values.nan_to_num(0.0, 0.0, 0.0), region)


def _of_images(run: _Run, shown: Tensor, smooth: _Gaussian) -> dict[str, Tensor]:
    """Return what the two images say, both in units of their own contrast."""
    fixed, warped = _levelled(run.fixed, shown), _levelled(run.warped, shown)
    both = torch.stack((fixed, warped))
    difference = fixed - warped
    found = {"difference": difference.abs()}
    deviations: dict[float, Tensor] = {}
    products = torch.stack((fixed, warped, fixed * fixed, warped * warped, fixed * warped))
    for width in _CORRELATION_MM:
        mean_a, mean_b, aa, bb, ab = smooth(products, width)
        variances = torch.stack((aa - mean_a**2, bb - mean_b**2)).clamp(min=0)
        cross = ab - mean_a * mean_b
        floor = 1e-3 + variances.prod(0).sqrt()
        found[f"correlation_{width:.0f}"] = 1 - cross / floor
        deviations[width] = variances.sqrt()
    found["contrast_ratio_4"] = (
        ((deviations[4.0][0] + 0.05) / (deviations[4.0][1] + 0.05)).log().abs()
    )
    found["contrast_fixed_2"], found["contrast_warped_2"] = deviations[2.0]
    found["contrast_fixed_8"] = deviations[8.0][0]
    found["signed_3"] = smooth(difference[None], 3.0)[0]
    found["difference_3"] = smooth(difference[None].abs(), 3.0)[0]

    soft = smooth(both, 2.0)
    slopes = torch.stack([_gradient(image, run.spacing) for image in soft])  # [2, 3, ...]
    steep = slopes.square().sum(1).sqrt()
    found["gradient_fixed_2"], found["gradient_warped_2"] = steep
    found["angle_2"] = 1 - (slopes[0] * slopes[1]).sum(0) / (steep.prod(0) + 1e-3)
    found["level_2"] = soft[0]
    bends = [_gradient(slopes[0, axis], run.spacing)[axis] for axis in range(3)]
    found["laplacian_2"] = torch.stack(bends).sum(0).abs()
    pair = torch.stack((difference.square(), slopes.mean(0).square().sum(0)))
    for width in (2.0, 5.0):
        squares, steepness = smooth(pair, width)
        found[f"normal_offset_{width:.0f}"] = (squares / (steepness + 1e-3)).sqrt()

    dark = torch.stack([((image < -1.0) & shown).float() for image in (fixed, warped)])
    fluid = smooth(torch.cat((dark, (dark[:1] - dark[1:]).abs())), 4.0)
    found["fluid_4"], found["fluid_swap_4"] = fluid[0], fluid[2]
    found["depth"] = _depth(shown, run.spacing)
    found |= _better_match(both, run.spacing, smooth)
    for name, of in (("case_correlation", "correlation_4"), ("case_difference", "difference_3")):
        found[name] = found[of][shown].median()
    return found


def _of_the_answer(run: _Run, inside: Tensor, smooth: _Gaussian) -> dict[str, Tensor]:
    """Return what the answer and the passes say, mm or without a unit."""
    gap = torch.zeros_like(run.total) if run.gap is None else run.gap
    bent = run.jacobian.clamp(min=1e-3).log().abs()
    soft = smooth(torch.stack((run.total, gap, bent)), 4.0)
    slopes = torch.stack([_gradient(component, run.spacing) for component in run.displacement])
    slopes = slopes - slopes[:, :, inside].mean(-1)[:, :, None, None, None]
    middle_total, middle_gap = run.total[inside].median(), gap[inside].median()
    return {
        "total": run.total,
        "total_4": soft[0],
        "total_relative": run.total / (middle_total + _TINY),
        "mean_offset": run.mean_offset.square().sum(0).sqrt(),
        "gap": gap,
        "gap_4": soft[1],
        "gap_relative": gap / (middle_gap + _TINY),
        "log_jacobian": bent,
        "log_jacobian_4": soft[2],
        "strain": slopes.square().sum((0, 1)).sqrt(),
        "case_total": middle_total,
        "case_gap": middle_gap,
    }


def _better_match(
    both: Tensor, spacing: NDArray[np.float64], smooth: _Gaussian
) -> dict[str, Tensor]:
    """Compare windows of the warped image, shifted by up to two voxels, with the fixed one.

    Each shift d gets a weight exp(-(c_d - c_best) / tolerance), c_d being the mean square
    difference of the two windows after both were brought to the same local level and contrast.

    Returns
    -------
    dict
        The length of the mean shift (mm); by how much the best one is better than none; how far
        the shifts that are as good scatter (mm).
    """
    level = smooth(torch.cat((both, both.square())), _LEVEL_MM)
    spread = (level[2:] - level[:2].square()).clamp(min=0).sqrt()
    fixed, warped = (both - level[:2]) / (spread + 0.2)
    steps = list(itertools.product((-1, 0, 1), repeat=3))
    steps += [(2, 0, 0), (-2, 0, 0), (0, 2, 0), (0, -2, 0), (0, 0, 2), (0, 0, -2)]
    costs = torch.stack([(fixed - _shifted(warped, step)).square() for step in steps])
    costs = smooth(costs, _MATCH_MM)
    best = costs.amin(0)
    weights = ((best - costs) / _MATCH_TOLERANCE).exp_()
    weights /= weights.sum(0)
    shifts = torch.tensor(steps, dtype=torch.float32) * torch.tensor(spacing[::-1].copy()).float()
    mean = torch.einsum("sdhw,sc->cdhw", weights, shifts)
    square = torch.einsum("sdhw,s->dhw", weights, shifts.square().sum(1))
    length = mean.square().sum(0)
    return {
        "better_offset": length.sqrt(),
        "better_gain": costs[steps.index((0, 0, 0))] - best,
        "ambiguity": (square - length).clamp(min=0).sqrt(),
    }


def _shifted(image: Tensor, step: tuple[int, ...]) -> Tensor:
    """Return an image [D, H, W] whose voxel p holds that at p + step; edges are repeated."""
    reach = 2
    padded = F.pad(image[None, None], (reach,) * 6, mode="replicate")[0, 0]
    at = tuple(slice(reach + s, reach + s + n) for s, n in zip(step, image.shape, strict=True))
    return padded[at]


def _levelled(image: Tensor, shown: Tensor) -> Tensor:
    """Return an image in units of its contrast, 0 at the middle of what it shows."""
    values = image[shown]
    return (image - values.median()) / contrast(values)


def _gradient(image: Tensor, spacing: NDArray[np.float64]) -> Tensor:
    """Return [3, D, H, W]: derivatives along the array's axes, per mm."""
    return torch.stack(torch.gradient(image, spacing=[float(s) for s in spacing[::-1]]))


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


class _Gaussian:
    """Smoothing by Gaussians of widths in mm; at the border the Gaussian is cut off.

    Parameters
    ----------
    spacing
        Of the lattice, mm along (i, j, k).

    Notes
    -----
    Along each axis a product with a matrix: on a processor that is many times as fast as a
    convolution of one channel.
    """

    def __init__(self, spacing: NDArray[np.float64]) -> None:
        self._spacing = spacing[::-1]

    def __call__(self, maps: Tensor, width_mm: float) -> Tensor:
        """Return maps [N, D, H, W], smoothed."""
        for axis, spacing in enumerate(self._spacing, start=1):
            width = width_mm / float(spacing)
            if width >= _NARROWEST:
                matrix = _gaussian_matrix(maps.shape[axis], width)
                along = maps.transpose(axis, -1).contiguous()
                rows = along.view(-1, along.shape[-1]) @ matrix
                maps = rows.view(along.shape).transpose(axis, -1)
        return maps


@functools.lru_cache(maxsize=32)
def _gaussian_matrix(size: int, width: float) -> Tensor:
    """Return [size, size]: column n holds the weights of the voxels that make voxel n."""
    place = torch.arange(size, dtype=torch.float32)
    weights = (-0.5 * ((place[:, None] - place) / width) ** 2).exp()
    weights[weights < _NEGLIGIBLE] = 0.0  # numbers near the smallest are slow to multiply
    return weights / weights.sum(0)
