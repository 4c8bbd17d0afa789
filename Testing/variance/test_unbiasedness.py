"""Both terms are right on average, for a jitter and a noise that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from TTAUncertaintyLib.variance import NestedVariance

#: Standard errors. Each z is standard normal if the estimator is unbiased (the mean of thousands
#: of voxels): 4 happens once in 16,000 by chance, and the seeds are fixed.
LARGEST_Z = 4.0
VOXELS = (10, 20, 20)
SEEDS = 5
JITTER_STD = np.array([1.0, 0.5, 0.2])
NOISE_STD = np.array([0.3, 0.9, 0.6])


def z_of(samples: NDArray[np.float64], truth: float) -> float:
    """Return how many standard errors the mean of independent samples lies from the truth."""
    return float((samples.mean() - truth) / (samples.std(ddof=1) / np.sqrt(samples.size)))


def estimates(replicates: int, groups: int = 6) -> dict[str, NDArray[np.float64]]:
    """Return the estimates at independent voxels over several seeds."""
    found: dict[str, list[NDArray[np.float64]]] = {"total": [], "intrinsic": [], "jitter": []}
    for seed in range(SEEDS):
        generator = torch.Generator().manual_seed(seed)

        def normal(std: NDArray[np.float64], g: torch.Generator = generator) -> torch.Tensor:
            scale = torch.from_numpy(std).float().view(3, 1, 1, 1)
            return torch.randn((3, *VOXELS), generator=g) * scale

        accumulator = NestedVariance(VOXELS, replicates)
        for _ in range(groups):
            mu = normal(JITTER_STD)
            for _ in range(replicates):
                accumulator.add(mu + normal(NOISE_STD))
        estimate = accumulator.estimate()
        for name, values in found.items():
            part = getattr(estimate, name)
            if part is not None:
                values.append(part.double().numpy().ravel())
    return {name: np.concatenate(values) for name, values in found.items() if values}


@pytest.mark.parametrize("replicates", [2, 3, 5])
def test_both_terms_are_unbiased(replicates: int) -> None:
    found = estimates(replicates)
    jitter, noise = float((JITTER_STD**2).sum()), float((NOISE_STD**2).sum())
    assert abs(z_of(found["jitter"], jitter)) < LARGEST_Z
    assert abs(z_of(found["intrinsic"], noise)) < LARGEST_Z
    assert abs(z_of(found["total"], jitter + noise)) < LARGEST_Z


def test_the_total_of_single_passes_is_unbiased() -> None:
    found = estimates(1)
    assert abs(z_of(found["total"], float((JITTER_STD**2 + NOISE_STD**2).sum()))) < LARGEST_Z


def test_the_check_is_sharp_enough_to_see_a_forgotten_correction() -> None:
    """Leaving out W/R, the usual mistake, is dozens of standard errors away."""
    found = estimates(2)
    forgotten = found["jitter"] + found["intrinsic"] / 2
    assert abs(z_of(forgotten, float((JITTER_STD**2).sum()))) > 10 * LARGEST_Z
