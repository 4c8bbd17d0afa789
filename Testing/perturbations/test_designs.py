"""Designs: where the points lie, what they depend on, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.lattices import OBLIQUE, affine, rotation

from TTAUncertaintyLib.errors import DesignError
from TTAUncertaintyLib.perturbations import (
    Amplitudes,
    Design,
    Family,
    Noise,
    Sampling,
    design_points,
    hadamard_matrix,
    parameter_count,
)

ORDERS = [n for n in range(1, 130) if hadamard_matrix(n) is not None]


def test_the_usual_orders_exist() -> None:
    assert {1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 44, 48, 60, 64, 68, 72, 80, 84} <= set(ORDERS)
    assert all(n in (1, 2) or n % 4 == 0 for n in ORDERS)


@pytest.mark.parametrize("order", ORDERS)
def test_a_hadamard_matrix_is_orthogonal_with_a_first_column_of_ones(order: int) -> None:
    matrix = hadamard_matrix(order)
    assert matrix is not None
    assert set(np.unique(matrix)) <= {-1.0, 1.0}
    assert np.array_equal(matrix.T @ matrix, order * np.eye(order))
    assert (matrix[:, 0] == 1).all()


@given(st.sampled_from([n for n in ORDERS if n > 2]), st.data())
def test_a_two_level_design_is_balanced_and_orthogonal(order: int, data: st.DataObject) -> None:
    parameters = data.draw(st.integers(1, order - 1))
    seed = data.draw(st.integers(0, 2**40))
    points = design_points(Sampling.HADAMARD, order, parameters, seed)
    assert points.shape == (order, parameters)
    assert set(np.unique(points)) == {-1.0, 1.0}
    assert (points.sum(axis=0) == 0).all()
    assert np.array_equal(points.T @ points, order * np.eye(parameters))


@given(st.integers(2, 60), st.integers(1, 60), st.integers(0, 99))
def test_a_design_that_does_not_exist_names_one_that_does(
    count: int, parameters: int, seed: int
) -> None:
    try:
        design_points(Sampling.HADAMARD, count, parameters, seed)
    except DesignError as error:
        named = re.search(r"Take (\d+) perturbations", error.remedy)
        assert named is not None
        assert int(named[1]) >= count  # nobody who asks for 50 is told to make do with 4
        points = design_points(Sampling.HADAMARD, int(named[1]), parameters, seed)
        assert points.shape == (int(named[1]), parameters)
    else:
        assert count in ORDERS and count > parameters


@pytest.mark.parametrize("sampling", [Sampling.RANDOM, Sampling.SOBOL])
def test_points_fill_the_cube_evenly_and_stay_in_it(sampling: Sampling) -> None:
    points = design_points(sampling, 512, 6, seed=3)
    assert points.shape == (512, 6)
    assert np.abs(points).max() <= 1
    # uniform on [-1, 1]: mean 0 and variance 1/3; four standard errors of 512 random points
    assert np.abs(points.mean(0)).max() < 4 * np.sqrt(1 / 3 / 512)
    assert np.abs((points**2).mean(0) - 1 / 3).max() < 4 * np.sqrt(4 / 45 / 512)


def test_sobol_points_are_more_even_than_random_ones() -> None:
    def unevenness(sampling: Sampling) -> float:
        return float(np.abs(design_points(sampling, 256, 6, seed=5).mean(0)).max())

    assert unevenness(Sampling.SOBOL) < unevenness(Sampling.RANDOM) / 4


@pytest.mark.parametrize("sampling", Sampling)
def test_the_seed_decides_the_points_and_nothing_else_does(sampling: Sampling) -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    first = design_points(sampling, 8, 6, seed=11)
    torch.manual_seed(2)
    np.random.seed(2)
    assert np.array_equal(design_points(sampling, 8, 6, seed=11), first)
    assert not np.array_equal(design_points(sampling, 8, 6, seed=12), first)


def test_more_random_points_begin_with_the_same_ones() -> None:
    few, many = (design_points(Sampling.RANDOM, n, 6, seed=1) for n in (5, 50))
    assert np.array_equal(many[:5], few)


def test_sobol_points_of_too_many_parameters_are_refused() -> None:
    with pytest.raises(DesignError, match="Sobol points exist for up to"):
        design_points(Sampling.SOBOL, 8, 30_000, seed=0)


def test_micro_shifts_stay_below_their_bound_and_differ_in_every_pass() -> None:
    shifts = Design(outer=8, replicates=3, micro_voxels=0.25).draw(OBLIQUE).shifts
    assert shifts.shape == (8, 3, 3)
    assert np.abs(shifts).max() < 0.25
    assert len(np.unique(shifts)) == shifts.size


@pytest.mark.parametrize(
    "design",
    [Design(replicates=1), Design(replicates=2, noise=Noise.DROPOUT)],
    ids=["single passes", "another source of noise"],
)
def test_there_are_no_micro_shifts_without_discretisation_noise(design: Design) -> None:
    assert not design.draw(OBLIQUE).shifts.any()


def test_the_first_perturbations_do_not_depend_on_the_number_of_replicates() -> None:
    once, twice = (Design(replicates=r).draw(OBLIQUE).parameters for r in (1, 2))
    assert np.array_equal(once, twice)


def test_pass_n_is_replicate_n_mod_r_of_perturbation_n_div_r() -> None:
    draws = Design(Family.TRANSLATION, outer=4, replicates=3).draw(OBLIQUE)
    zero = torch.zeros((3, 1, 1, 1))
    for n, action in enumerate(draws.passes(0, 12)):
        k, r = divmod(n, 3)
        expected = draws.action(k).points(zero).flatten() + torch.from_numpy(draws.shifts[k, r])
        assert torch.allclose(action.points(zero).flatten(), expected.float(), atol=1e-5)


def test_passes_are_the_same_however_they_are_cut_into_batches() -> None:
    draws = Design(Family.AFFINE, sampling=Sampling.RANDOM, outer=4, replicates=3).draw(OBLIQUE)
    points = torch.rand((3, 2, 2, 2), generator=torch.Generator().manual_seed(0)) * 10
    whole = [action.points(points) for action in draws.passes(0, 12)]
    for first in range(12):
        cut = [*draws.passes(0, first), *draws.passes(first, 12)]
        assert all(torch.equal(a.points(points), b) for a, b in zip(cut, whole, strict=True))


def test_turning_the_world_draws_the_same_design() -> None:
    turned = OBLIQUE.transformed(affine(rotation((1, 2, 3), 100.0), (5.0, 6.0, 7.0)))
    design = Design(Family.ELASTIC, sampling=Sampling.RANDOM, replicates=2)
    here, there = design.draw(OBLIQUE), design.draw(turned)
    assert np.array_equal(here.parameters, there.parameters)
    assert np.array_equal(here.shifts, there.shifts)


@pytest.mark.parametrize(
    "wrong",
    [
        {"outer": 1},
        {"outer": 0},
        {"replicates": 0},
        {"micro_voxels": 0.0},
        {"micro_voxels": 1.0},
        {"micro_voxels": float("nan")},
        {"seed": -1},
        {"seed": 2**63},
    ],
    ids=str,
)
def test_a_design_without_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DesignError):
        Design(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"translation_mm": -1.0},
        {"translation_mm": (1.0, -1.0, 1.0)},
        {"translation_mm": (1.0, 1.0)},
        {"rotation_deg": float("nan")},
        {"rotation_deg": float("inf")},
        {"scale": -0.1},
        {"scale": 1.0},
        {"shear": -0.1},
        {"elastic_mm": -1.0},
        {"elastic_spacing_mm": 0.0},
        {"elastic_spacing_mm": (10.0, 0.0, 10.0)},
    ],
    ids=str,
)
def test_an_amplitude_without_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DesignError):
        Amplitudes(**wrong)


@pytest.mark.parametrize(
    ("family", "count"),
    [
        (Family.TRANSLATION, 3),
        (Family.ROTATION, 3),
        (Family.RIGID, 6),
        (Family.SCALE, 1),
        (Family.ANISOTROPIC_SCALE, 3),
        (Family.SHEAR, 3),
        (Family.AFFINE, 12),
    ],
)
def test_an_affine_family_has_its_degrees_of_freedom(family: Family, count: int) -> None:
    assert parameter_count(family, Amplitudes(), OBLIQUE) == count
