"""The streaming estimator is the formula: against numpy, in pieces, and after a break."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from TTAUncertaintyLib.variance import NestedVariance, VarianceEstimate

Array = NDArray[np.float64]
SHAPE = (2, 3, 4)


def draws(groups: int, replicates: int, seed: int = 0) -> Tensor:
    """Return values [K, R, 3, D, H, W] with a spread of its own on each level."""
    generator = torch.Generator().manual_seed(seed)
    between = torch.randn((groups, 1, 3, *SHAPE), generator=generator)
    within = torch.randn((groups, replicates, 3, *SHAPE), generator=generator)
    return 1.5 * between + 0.5 * within + torch.tensor([1.0, -2.0, 3.0]).view(3, 1, 1, 1)


def accumulated(
    values: Tensor, full: bool = False, device: str = "cpu", start: int = 0
) -> NestedVariance:
    """Return an accumulator that has seen the passes from `start` on."""
    accumulator = NestedVariance(SHAPE, values.shape[1], full, device)
    for value in values.flatten(0, 1)[start:]:
        accumulator.add(value.to(device))
    return accumulator


def covariances(g: Array) -> tuple[Array, Array, Array]:
    """Return intrinsic, jitter, total as in the definition; g is [K, R, 3, ...]; [3, 3, ...]."""
    k, r = g.shape[:2]
    group_mean = g.mean(axis=1)
    inner = g - group_mean[:, None]
    outer = group_mean - group_mean.mean(axis=0)
    w = np.einsum("kra...,krb...->ab...", inner, inner) / (k * (r - 1)) if r > 1 else None
    b = np.einsum("ka...,kb...->ab...", outer, outer) / (k - 1)
    if w is None:
        return np.zeros_like(b), b, b
    return w, b - w / r, w + (b - w / r)


def parts(estimate: VarianceEstimate) -> list[Tensor]:
    found = [estimate.total, estimate.intrinsic, estimate.jitter, estimate.mean_offset]
    return [part for part in found if part is not None]


# float32 sums of at most 60 squares of about 10
RELATIVE, ABSOLUTE = 1e-4, 1e-5


@given(st.integers(2, 12), st.integers(1, 5), st.integers(0, 99))
def test_the_estimate_is_the_formula(groups: int, replicates: int, seed: int) -> None:
    values = draws(groups, replicates, seed)
    intrinsic, jitter, total = covariances(values.double().numpy())
    estimate = accumulated(values, full=True).estimate()
    order = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]

    def same(found: Tensor | None, expected: Array) -> None:
        assert found is not None
        wanted = np.stack([expected[a, b] for a, b in order])
        assert np.allclose(found.numpy(), wanted, rtol=RELATIVE, atol=ABSOLUTE)

    same(estimate.total, total)
    mean = values.double().mean(dim=(0, 1)).numpy()
    assert np.allclose(estimate.mean_offset.numpy(), mean, atol=ABSOLUTE)
    if replicates > 1:
        same(estimate.intrinsic, intrinsic)
        same(estimate.jitter, jitter)


@given(st.integers(2, 10), st.integers(1, 4), st.integers(0, 99))
def test_the_trace_of_the_full_covariance_is_the_trace_mode(
    groups: int, replicates: int, seed: int
) -> None:
    values = draws(groups, replicates, seed)
    full = accumulated(values, full=True).estimate().traces()
    traces = accumulated(values).estimate()
    assert traces.traces().total is traces.total
    for ours, theirs in zip(parts(full), parts(traces), strict=True):
        assert torch.allclose(ours, theirs, rtol=RELATIVE, atol=ABSOLUTE)


@given(st.integers(2, 10), st.integers(2, 4), st.integers(0, 99))
def test_total_is_the_sum_of_its_parts(groups: int, replicates: int, seed: int) -> None:
    estimate = accumulated(draws(groups, replicates, seed)).estimate()
    assert estimate.intrinsic is not None and estimate.jitter is not None
    assert torch.equal(estimate.total, estimate.intrinsic + estimate.jitter)


def test_the_jitter_is_not_clamped_where_it_happens_to_be_negative() -> None:
    """Pure noise: half of the unbiased estimates of zero lie below it."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((4, 2, 3, *SHAPE), generator=generator)
    jitter = accumulated(noise).estimate().jitter
    assert jitter is not None
    assert float(jitter.min()) < 0 < float(jitter.max())


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_going_on_from_a_state_after_any_pass_gives_the_same_bits(
    replicates: int, full: bool, device: str
) -> None:
    values = draws(4, replicates)
    whole = accumulated(values, full, device).estimate()
    flat = values.flatten(0, 1).to(device)
    for pause in range(len(flat) + 1):
        accumulator = NestedVariance(SHAPE, replicates, full, device)
        for value in flat[:pause]:
            accumulator.add(value)
        accumulator = NestedVariance.from_state(accumulator.state(), device)
        assert accumulator.count == pause
        for value in flat[pause:]:
            accumulator.add(value)
        for ours, theirs in zip(parts(accumulator.estimate()), parts(whole), strict=True):
            assert torch.equal(ours, theirs)


def test_a_state_does_not_change_when_the_run_goes_on() -> None:
    values = draws(3, 2)
    accumulator = accumulated(values[:2])
    state = {name: tensor.clone() for name, tensor in accumulator.state().items()}
    kept = accumulator.state()
    accumulator.add(values[2, 0])
    accumulator.add(values[2, 1])
    assert all(torch.equal(kept[name], state[name]) for name in state)


def test_looking_at_a_provisional_estimate_changes_nothing() -> None:
    values = draws(5, 2)
    looked = NestedVariance(SHAPE, 2)
    for n, value in enumerate(values.flatten(0, 1)):
        looked.add(value)
        if n >= 3:
            looked.estimate()
    for ours, theirs in zip(
        parts(looked.estimate()), parts(accumulated(values).estimate()), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_an_estimate_does_not_change_when_the_run_goes_on() -> None:
    values = draws(5, 2)
    accumulator = accumulated(values[:3])
    estimate = accumulator.estimate()
    kept = [part.clone() for part in parts(estimate)]
    for value in values[3:].flatten(0, 1):
        accumulator.add(value)
    assert all(torch.equal(a, b) for a, b in zip(parts(estimate), kept, strict=True))


def test_the_values_that_are_added_are_left_alone() -> None:
    values = draws(3, 2)
    before = values.clone()
    accumulated(values)
    assert torch.equal(values, before)


def test_an_incomplete_group_does_not_count() -> None:
    values = draws(4, 3)
    broken_off = NestedVariance(SHAPE, 3)
    for value in values.flatten(0, 1)[:-1]:
        broken_off.add(value)
    assert broken_off.count == 11
    estimate = broken_off.estimate()
    assert estimate.groups == 3
    for ours, theirs in zip(
        parts(estimate), parts(accumulated(values[:3]).estimate()), strict=True
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("offset", [10.0, 100.0])
def test_a_large_constant_offset_costs_no_more_than_its_digits(offset: float) -> None:
    """Sums of squares instead of Welford's update would lose offset^2 / variance of the digits.

    The offset itself rounds every value to 2^-24 of it: 6e-6 at 100, a relative 1e-5 or so of
    deviations of about 1, and the running mean as much again for each of the values.
    """
    values = draws(10, 2)
    plain = accumulated(values.double().float()).estimate()
    moved = accumulated(values + offset).estimate()
    for name in ("total", "intrinsic", "jitter"):
        ours, theirs = getattr(moved, name), getattr(plain, name)
        assert float((ours - theirs).abs().max()) < 1e-4 * float(plain.total.max())


@pytest.mark.parametrize("groups", [0, 1])
def test_fewer_than_two_perturbations_have_no_variance(groups: int) -> None:
    with pytest.raises(ValueError, match="at least two"):
        accumulated(draws(2, 2)[:groups]).estimate()


def test_single_passes_have_a_total_and_no_split() -> None:
    estimate = accumulated(draws(6, 1)).estimate()
    assert estimate.intrinsic is None and estimate.jitter is None
    assert estimate.total.shape == SHAPE
    assert (estimate.groups, estimate.replicates) == (6, 1)


def test_memory_does_not_grow_with_the_number_of_passes() -> None:
    def kept(accumulator: NestedVariance) -> int:
        return sum(t.numel() for t in vars(accumulator).values() if isinstance(t, Tensor))

    assert kept(accumulated(draws(2, 2))) == kept(accumulated(draws(40, 2)))
