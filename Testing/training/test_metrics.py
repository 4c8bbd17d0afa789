"""Figures of merit against cases whose value is known."""

from __future__ import annotations

import pytest
import torch

from TTAUncertaintyLib.evaluation.metrics import normalised_risk_coverage, pearson, ranks, spearman
from TTAUncertaintyLib.training.tissues import dice, tissue_classes


def test_ties_share_their_mean_rank() -> None:
    assert ranks(torch.tensor([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]


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


def test_k_means_finds_three_tissues() -> None:
    image = torch.cat([torch.full((50,), v) for v in (0.0, 0.2, 0.5, 0.9)]).view(1, 10, 20)
    labels = tissue_classes(image, image > 0)
    assert labels.flatten()[::50].tolist() == [0, 1, 2, 3]
    assert dice(labels, labels) == 1.0
