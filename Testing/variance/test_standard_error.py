"""The standard error of the total: the formula, the truth on average, in pieces, after a break."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from TTAUncertaintyLib.variance import NestedVariance

Array = NDArray[np.float64]
SHAPE = (2, 3, 4)
#: Independent voxels of the simulations.
MANY = (10, 30, 40)
#: Standard errors; 4 happens once in 16,000 by chance, and the seeds are fixed.
LARGEST_Z = 4.0
JITTER_STD, NOISE_STD = (1.0, 0.5, 0.2), (0.3, 0.9, 0.6)


def draws(groups: int, replicates: int, seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Tensor:
    """Return normal values [K, R, 3, D, H, W] with a spread of its own on each level."""
    generator = torch.Generator().manual_seed(seed)

    def normal(size: tuple[int, ...], std: tuple[float, ...]) -> Tensor:
        return torch.randn(size, generator=generator) * torch.tensor(std).view(3, 1, 1, 1)

    between = normal((groups, 1, 3, *shape), JITTER_STD)
    return between + normal((groups, replicates, 3, *shape), NOISE_STD) + 0.5


def accumulated(values: Tensor, full: bool = False, device: str = "cpu") -> NestedVariance:
    accumulator = NestedVariance(values.shape[3:], values.shape[1], full, device)
    for value in values.flatten(0, 1):
        accumulator.add(value.to(device))
    return accumulator


def error_of(values: Tensor, full: bool = False, device: str = "cpu") -> Tensor:
    error = accumulated(values, full, device).estimate().standard_error
    assert error is not None
    return error


def in_two_passes(values: Array) -> tuple[Array, Array]:
    """Return the total's root and its standard error from all values at once, [K, R, 3, ...]."""
    k, r = values.shape[:2]
    means = values.mean(axis=1)
    contrasts = [np.sqrt(n / (n + 1)) * (means[n] - means[:n].mean(axis=0)) for n in range(1, k)]
    squared = (np.stack(contrasts) ** 2).sum(axis=1)
    total, variance = squared.mean(axis=0), squared.var(axis=0, ddof=1) / (k - 1)
    if r > 1:
        traces = values.var(axis=1, ddof=1).sum(axis=1)
        total = total + (1 - 1 / r) * traces.mean(axis=0)
        variance = variance + (1 - 1 / r) ** 2 * traces.var(axis=0, ddof=1) / k
    return np.sqrt(total), np.sqrt(variance) / (2 * np.sqrt(total))


@pytest.mark.parametrize("full", [False, True])
@given(st.integers(3, 12), st.integers(1, 5), st.integers(0, 99))
def test_the_stream_gives_what_two_passes_over_all_values_give(
    full: bool, groups: int, replicates: int, seed: int
) -> None:
    values = draws(groups, replicates, seed)
    root, error = in_two_passes(values.double().numpy())
    found = accumulated(values, full)
    assert np.allclose(found.total_and_error()[0].numpy(), root, rtol=1e-4, atol=1e-5)
    assert np.allclose(found.total_and_error()[1].numpy(), error, rtol=1e-3, atol=1e-5)
    estimate = found.estimate()
    assert estimate.standard_error is not None
    assert torch.equal(estimate.standard_error, found.total_and_error()[1])
    expected = estimate.traces().total.sqrt()
    assert torch.allclose(found.total_and_error()[0], expected, rtol=1e-4)


@pytest.mark.parametrize("full", [False, True])
def test_some_voxels_are_those_voxels_of_all(full: bool, device: str) -> None:
    found = accumulated(draws(5, 2), full, device)
    voxels = torch.tensor([23, 0, 7, 7], device=device)
    for some, every in zip(found.total_and_error(voxels), found.total_and_error(), strict=True):
        assert torch.equal(some, every.flatten()[voxels])


@pytest.mark.parametrize("groups", [4, 8])
@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_it_is_right_on_average_for_normal_values(groups: int, replicates: int) -> None:
    """The estimated variance of the total has its actual variance as mean, over many voxels."""
    found = accumulated(draws(groups, replicates, seed=groups, shape=MANY))
    root, error = (part.double().flatten() for part in found.total_and_error())
    total, estimated = root**2, (2 * root * error) ** 2
    truth = sum(a**2 + b**2 for a, b in zip(JITTER_STD, NOISE_STD, strict=True))
    # E[estimated - (total - truth)^2] = 0: both are measured, none is taken from theory
    difference = (estimated - (total - truth) ** 2).numpy()
    z = difference.mean() / (difference.std(ddof=1) / np.sqrt(difference.size))
    assert abs(z) < LARGEST_Z
    # and sharply: a tenth more or less of the variance would be seen
    assert difference.std(ddof=1) / np.sqrt(difference.size) < 0.025 * float(estimated.mean())


@pytest.mark.parametrize(("groups", "share"), [(8, 0.679), (16, 0.778)])
def test_uniform_values_get_an_error_that_is_somewhat_too_large(groups: int, share: float) -> None:
    """The documented part of the excess kurtosis, -1.2, that the increments can see."""
    generator = torch.Generator().manual_seed(1)
    values = torch.rand((groups, 1, 3, *MANY), generator=generator) * 12**0.5  # variance 1
    root, error = (part.double() for part in accumulated(values).total_and_error())
    estimated = float(((2 * root * error) ** 2).mean()) / 3  # of one component
    actual = float((root**2).var()) / 3
    assert estimated == pytest.approx(2 / (groups - 1) - 1.2 * share / groups, rel=0.03)
    assert actual == pytest.approx(2 / (groups - 1) - 1.2 / groups, rel=0.05)
    assert 1.0 < (estimated / actual) ** 0.5 < 1.2


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_going_on_from_a_state_after_any_pass_gives_the_same_bits(
    replicates: int, full: bool, device: str
) -> None:
    values = draws(4, replicates)
    whole = error_of(values, full, device)
    flat = values.flatten(0, 1).to(device)
    for pause in range(len(flat) + 1):
        accumulator = NestedVariance(SHAPE, replicates, full, device)
        for value in flat[:pause]:
            accumulator.add(value)
        accumulator = NestedVariance.from_state(accumulator.state(), device)
        for value in flat[pause:]:
            accumulator.add(value)
        found = accumulator.estimate().standard_error
        assert found is not None and torch.equal(found, whole)


def test_it_begins_with_the_third_perturbation() -> None:
    values = draws(3, 2)
    two = accumulated(values[:2])
    assert two.estimate().standard_error is None
    with pytest.raises(ValueError, match="at least three"):
        two.total_and_error()
    assert torch.isfinite(error_of(values)).all()


@pytest.mark.parametrize("replicates", [1, 2])
def test_where_nothing_varies_it_is_zero(replicates: int) -> None:
    values = draws(5, replicates)
    values[..., 0] = 0.25
    error = error_of(values)
    assert not error[..., 0].any() and (error[..., 1:] > 0).all()


@pytest.mark.parametrize("full", [False, True])
def test_it_is_a_map_wherever_the_estimate_goes(full: bool, device: str) -> None:
    estimate = accumulated(draws(4, 2), full, device).estimate()
    moved = estimate.traces().cpu()
    assert estimate.standard_error is not None and moved.standard_error is not None
    assert moved.standard_error.device.type == "cpu" and moved.standard_error.shape == SHAPE
    assert torch.equal(moved.standard_error, estimate.standard_error.cpu())


def test_the_size_of_the_offset_costs_few_digits() -> None:
    values = draws(8, 2)
    plain, moved = error_of(values), error_of(values + 50.0)
    assert float((plain - moved).abs().max()) < 1e-3 * float(plain.max())


def test_what_is_not_a_number_stays_so() -> None:
    values = draws(5, 2)
    values[2, 0, 1, 0, 0, 0] = torch.nan
    error = error_of(values)
    assert torch.isnan(error[0, 0, 0]) and torch.isfinite(error.flatten()[1:]).all()
