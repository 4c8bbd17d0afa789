"""Figures of merit against cases whose value is known."""

from __future__ import annotations

import pytest
import torch

from TTAUncertaintyLib.evaluation.metrics import (
    calibration_error,
    coverage,
    mean_absolute_error,
    normalised_risk_coverage,
    pearson,
    reliability,
    risk_coverage_area,
    sharpness,
    sparsification_curve,
    sparsification_error,
    spearman,
)


def test_ties_share_their_mean_rank() -> None:
    # ranks 2.5, 0, 2.5, 1 against 3, 0, 2, 1
    tied, order = torch.tensor([3.0, 1.0, 3.0, 2.0]), torch.tensor([9.0, 1.0, 4.0, 2.0])
    assert spearman(tied, order) == pytest.approx(4.5 / (4.5 * 5.0) ** 0.5)


def test_a_map_that_is_the_same_everywhere_says_nothing() -> None:
    flat, error = torch.full((50,), 0.3), torch.rand(50)
    assert pearson(flat, error) == pearson(error, flat) == 0.0
    assert spearman(flat, error) == spearman(error, flat) == 0.0


def test_correlations_of_a_monotone_relation() -> None:
    x = torch.linspace(0.1, 3, 200)
    assert pearson(x, 2 * x + 1) == pytest.approx(1.0)
    assert spearman(x, x.exp()) == pytest.approx(1.0)
    assert spearman(x, -(x**3)) == pytest.approx(-1.0)
    assert pearson(x, x.exp()) < 0.99


def test_the_best_order_scores_zero_and_a_random_one_about_one() -> None:
    error = torch.rand(20_000, generator=torch.Generator().manual_seed(1))
    order = torch.rand(20_000, generator=torch.Generator().manual_seed(2))
    assert normalised_risk_coverage(error, error) == pytest.approx(0.0, abs=1e-9)
    assert normalised_risk_coverage(order, error) == pytest.approx(1.0, abs=0.05)
    assert normalised_risk_coverage(-error, error) > 1.5


def test_a_risk_coverage_curve_by_hand() -> None:
    error, order = torch.tensor([4.0, 1.0, 2.0, 5.0]), torch.tensor([1.0, 2.0, 3.0, 4.0])
    # mean errors of the first 1, 2, 3, 4 voxels: 4, 2.5, 7/3, 3
    assert risk_coverage_area(order, error) == pytest.approx((4 + 2.5 + 7 / 3 + 3) / 4)
    best = (1 + 1.5 + 7 / 3 + 3) / 4
    expected = ((4 + 2.5 + 7 / 3 + 3) / 4 - best) / (3 - best)
    assert normalised_risk_coverage(order, error) == pytest.approx(expected)


def test_a_sparsification_curve_by_hand() -> None:
    error, order = torch.tensor([4.0, 1.0, 2.0, 5.0]), torch.tensor([1.0, 2.0, 3.0, 4.0])
    fractions = torch.tensor([0.0, 0.25, 0.5, 0.75])
    curve = sparsification_curve(order, error, fractions)
    assert curve.tolist() == pytest.approx([1.0, 7 / 9, 2.5 / 3, 4 / 3])
    oracle = sparsification_curve(error, error, fractions)
    assert oracle.tolist() == pytest.approx([1.0, 7 / 9, 0.5, 1 / 3])
    gap = (0 + 0 + (2.5 - 1.5) / 3 + (4 - 1) / 3) / 4
    assert sparsification_error(order, error, steps=4) == pytest.approx(gap)
    assert sparsification_error(error, error) == 0.0


def test_bounds_and_expectations_by_hand() -> None:
    error, bound = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([1.0, 1.0, 5.0, 5.0])
    assert coverage(bound, error) == 0.75  # an error on its bound is covered
    assert sharpness(bound) == 3.0
    assert mean_absolute_error(bound, error) == pytest.approx((0 + 1 + 2 + 1) / 4)


def test_reliability_by_hand() -> None:
    expected = torch.tensor([3.0, 1.0, 2.0, 4.0])
    error = torch.tensor([5.0, 1.0, 1.0, 4.0])
    predicted, true = reliability(expected, error, bins=2)
    assert predicted.tolist() == [1.5, 3.5]
    assert true.tolist() == [1.0, 4.5]
    assert calibration_error(expected, error, bins=2) == pytest.approx((0.5 + 1.0) / 2)
    assert calibration_error(error, error) == 0.0
