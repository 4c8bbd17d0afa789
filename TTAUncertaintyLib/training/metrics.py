"""Figures of merit: error, overlap, and how well an uncertainty ranks the error.

Everything works on flat tensors of the voxels that count.
"""

from __future__ import annotations

import torch
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Return the rank of each value, float64; ties take their mean rank."""
    _, inverse, counts = torch.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    mean_ranks: Tensor = last - (counts.double() - 1) / 2 - 1
    return mean_ranks[inverse]


def pearson(first: Tensor, second: Tensor) -> float:
    """Return the linear correlation of two flat tensors."""
    a, b = first.double() - first.double().mean(), second.double() - second.double().mean()
    return float((a * b).sum() / (a.norm() * b.norm()).clamp(min=1e-30))


def spearman(first: Tensor, second: Tensor) -> float:
    """Return the rank correlation of two flat tensors."""
    return pearson(ranks(first), ranks(second))


def normalised_risk_coverage(uncertainty: Tensor, error: Tensor) -> float:
    """Return the normalised area under the risk-coverage curve (nAURC).

    The curve is the mean error of the fraction of voxels with the least uncertainty.  0 is the
    best possible order (the error's own), 1 a random one; lower is better.  Source: Geifman and
    El-Yaniv, NIPS 2017, for the curve.
    """

    def area(order: Tensor) -> float:
        sorted_error = error.double()[order]
        count = torch.arange(1, len(sorted_error) + 1, dtype=torch.float64)
        return float((sorted_error.cumsum(0) / count).mean())

    best = area(error.argsort())
    random = float(error.double().mean())
    return (area(uncertainty.argsort()) - best) / max(random - best, 1e-30)


def tissue_classes(image: Tensor, mask: Tensor, classes: int = 3, rounds: int = 40) -> Tensor:
    """Cluster the intensities inside a mask by k-means.

    Parameters
    ----------
    image, mask
        One shape; mask is boolean.

    Returns
    -------
    Tensor
        int64, the same shape: 0 outside, 1..classes by rising intensity.
    """
    values = image[mask]
    low, high = values.min(), torch.quantile(values[:: max(1, len(values) // 100_000)], 0.98)
    # Evenly spaced centres as a start make the result independent of any random draw.
    centres = low + (high - low) * (torch.arange(classes, dtype=values.dtype) + 0.5) / classes
    for _ in range(rounds):
        nearest = (values[:, None] - centres).abs().argmin(1)
        total = torch.zeros_like(centres).scatter_add_(0, nearest, values)
        count = torch.zeros_like(centres).scatter_add_(0, nearest, torch.ones_like(values))
        centres = total / count.clamp(min=1)
    labels = torch.zeros(image.shape, dtype=torch.int64)
    labels[mask] = 1 + (values[:, None] - centres.sort().values).abs().argmin(1)
    return labels


def dice(first: Tensor, second: Tensor, classes: int = 3) -> float:
    """Return the mean Dice overlap of the labels 1..classes of two integer tensors."""
    overlaps = []
    for label in range(1, classes + 1):
        a, b = first == label, second == label
        overlaps.append(2.0 * float((a & b).sum()) / max(1.0, float(a.sum() + b.sum())))
    return sum(overlaps) / classes
