"""Figures of merit: how well a map ranks the error, and how well a calibrated one predicts it.

Everything works on flat tensors of the voxels that count.  A case is one registration: its voxels
are not independent, so that intervals are over cases, never over voxels.
"""

from __future__ import annotations

import torch
from scipy import stats
from torch import Tensor


def pearson(first: Tensor, second: Tensor) -> float:
    """Return the linear correlation of two flat tensors; 0 where one is the same everywhere."""
    if not (_varies(first) and _varies(second)):
        return 0.0
    return float(stats.pearsonr(first.double(), second.double()).statistic)


def spearman(first: Tensor, second: Tensor) -> float:
    """Return the rank correlation of two flat tensors; 0 where one is the same everywhere."""
    if not (_varies(first) and _varies(second)):
        return 0.0
    return float(stats.spearmanr(first.double(), second.double()).statistic)


def _varies(values: Tensor) -> bool:
    return bool((values != values[:1]).any())


def risk_coverage_area(uncertainty: Tensor, error: Tensor) -> float:
    """Return the area under the risk-coverage curve (AURC), in the error's unit; lower is better.

    The curve is the mean error of the fraction of voxels with the least uncertainty.  Ties keep
    the order of the voxels.  Source: Geifman and El-Yaniv, NIPS 2017.
    """
    ordered = error.double()[uncertainty.argsort(stable=True)]
    count = torch.arange(1, len(ordered) + 1, dtype=torch.float64)
    return float((ordered.cumsum(0) / count).mean())


def normalised_risk_coverage(uncertainty: Tensor, error: Tensor) -> float:
    """Return the normalised area under the risk-coverage curve (nAURC).

    0 is the best possible order (the error's own), 1 a random one; lower is better.
    """
    best = risk_coverage_area(error, error)
    random = float(error.double().mean())
    return (risk_coverage_area(uncertainty, error) - best) / max(random - best, 1e-30)


def sparsification_curve(uncertainty: Tensor, error: Tensor, fractions: Tensor) -> Tensor:
    """Return what is left of the mean error when the most uncertain voxels are taken away.

    Parameters
    ----------
    uncertainty, error
        Flat.
    fractions
        Flat, 0 up to but not 1: which share is taken away.

    Returns
    -------
    Tensor
        float64, of the shape of `fractions`: mean error of what is left, divided by that of all.
        Source: Ilg et al., ECCV 2018.
    """
    ordered = error.double()[uncertainty.argsort(stable=True)]
    means = ordered.cumsum(0) / torch.arange(1, len(ordered) + 1, dtype=torch.float64)
    left = ((1 - fractions.double()) * len(ordered)).round().long().clamp(1, len(ordered))
    return means[left - 1] / means[-1].clamp(min=1e-30)


def sparsification_error(uncertainty: Tensor, error: Tensor, steps: int = 100) -> float:
    """Return the area between a map's sparsification curve and the oracle's (AUSE); 0 is best.

    Dimensionless, since both curves begin at 1.  Source: Ilg et al., ECCV 2018.
    """
    fractions = torch.arange(steps, dtype=torch.float64) / steps
    gap = sparsification_curve(uncertainty, error, fractions) - sparsification_curve(
        error, error, fractions
    )
    return float(gap.mean())


def mean_absolute_error(expected: Tensor, error: Tensor) -> float:
    """Return how far an expected error lies from the error on average, mm."""
    return float((expected.double() - error.double()).abs().mean())


def coverage(bound: Tensor, error: Tensor) -> float:
    """Return the share of the voxels whose error lies at or below its bound."""
    return float((error <= bound).double().mean())


def sharpness(bound: Tensor) -> float:
    """Return the mean bound, mm: of two bounds that hold, the smaller says more."""
    return float(bound.double().mean())


def reliability(expected: Tensor, error: Tensor, bins: int = 10) -> tuple[Tensor, Tensor]:
    """Return mean expected and mean true error of equally many voxels each, mm, by expected error.

    Returns
    -------
    expected, true
        float64, [bins]; fewer where there are fewer voxels.
    """
    order = expected.argsort(stable=True)
    parts = [part for part in order.tensor_split(bins) if len(part)]
    return (
        torch.stack([expected.double()[part].mean() for part in parts]),
        torch.stack([error.double()[part].mean() for part in parts]),
    )


def calibration_error(expected: Tensor, error: Tensor, bins: int = 10) -> float:
    """Return the mean distance of the reliability curve from the diagonal, mm."""
    predicted, true = reliability(expected, error, bins)
    return float((predicted - true).abs().mean())
