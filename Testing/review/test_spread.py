"""A covariance's ellipsoid has its axes, its radii and its orientation in the world."""

from __future__ import annotations

import numpy as np
import pytest
from support.lattices import rotation

from TTAUncertaintyLib.review import (
    Contour,
    direction_words,
    principal_axes,
    root_trace,
    spread_words,
)

TURN = rotation((1, 2, 3), 40)
SIGMA = np.array([3.0, 1.5, 0.4])
COVARIANCE = TURN @ np.diag(SIGMA**2) @ TURN.T


def test_the_axes_of_a_turned_covariance_are_found() -> None:
    axes = principal_axes(COVARIANCE)
    np.testing.assert_allclose(axes.sigma_mm, SIGMA)
    np.testing.assert_allclose(np.abs(np.sum(axes.directions * TURN, axis=0)), 1)
    assert np.linalg.det(axes.directions) == pytest.approx(1)


def test_the_map_is_the_root_of_the_trace() -> None:
    assert root_trace(COVARIANCE) == pytest.approx(np.sqrt((SIGMA**2).sum()))
    assert root_trace(-COVARIANCE) == 0


def test_a_negative_estimate_has_no_extent() -> None:
    axes = principal_axes(np.diag([4.0, -1.0, 1.0]))
    np.testing.assert_allclose(axes.sigma_mm, [2, 1, 0])


def test_ninety_five_percent_of_a_normal_distribution_lie_in_its_contour() -> None:
    draws = np.random.default_rng(0).multivariate_normal(np.zeros(3), COVARIANCE, 200_000)
    axes = principal_axes(COVARIANCE)
    radii = np.linalg.norm(draws @ axes.directions / axes.sigma_mm, axis=1)
    assert (radii < Contour.PERCENT_95.value).mean() == pytest.approx(0.95, abs=0.002)
    assert (radii < Contour.ONE_SIGMA.value).mean() == pytest.approx(0.199, abs=0.004)


def test_words_give_the_numbers_of_the_maps() -> None:
    intrinsic, jitter = np.diag([0.25, 0, 0]), np.diag([0, 0.75, 0])
    total = intrinsic + jitter
    said = spread_words(principal_axes(total), total, intrinsic, jitter)
    assert "Spread 1.00 mm: intrinsic 0.50 mm, bias jitter 0.87 mm" in said
    assert "told apart from zero" not in said
    small = spread_words(principal_axes(total), total, total, -0.01 * np.eye(3))
    assert "bias jitter 0.00 mm" in small
    assert "told apart from zero" in small
    assert "jitter" not in spread_words(principal_axes(total), total)


@pytest.mark.parametrize(
    ("sigma", "said"),
    [
        ((2, 1, 1), "most in the direction left–right"),
        ((1, 2, 1), "most in the direction front–back"),
        ((1, 1, 2), "most in the direction head–foot"),
        ((2, 2, 1), "least in the direction head–foot"),
        ((1.1, 1, 1), "nearly the same in all directions"),
    ],
)
def test_words_say_in_which_direction(sigma: tuple[float, ...], said: str) -> None:
    covariance = np.diag(np.square(sigma))
    assert said in spread_words(principal_axes(covariance), covariance)


def test_a_slanted_direction_is_called_oblique() -> None:
    assert direction_words(np.array([1.0, -1.0, 0.0])) == "oblique"
    assert direction_words(np.array([-2.0, 0.5, 0.5])) == "left–right"
