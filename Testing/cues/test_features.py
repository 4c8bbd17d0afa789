"""Features mean the same on every lattice, and say what they are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.lattices import FLIPPED
from torch import Tensor

from TTAUncertaintyLib.cues.features import (
    FEATURES,
    Features,
    Gaussian,
    _gradient,
    begin_features,
    compute_features,
)
from TTAUncertaintyLib.engine import Outcome, Precision
from TTAUncertaintyLib.geometry import Lattice, identity_map
from TTAUncertaintyLib.models import PreparedPair
from TTAUncertaintyLib.perturbations.families import rotation_matrix
from TTAUncertaintyLib.variance import VarianceEstimate

SIZE = 40


def ball(shift: tuple[int, int, int] = (0, 0, 0), size: int = SIZE) -> Tensor:
    """A textured ball in the dark; shifted by voxels (k, j, i)."""
    axes = torch.meshgrid(*[torch.linspace(-1, 1, size)] * 3, indexing="ij")
    inside = sum(axis.square() for axis in axes) < 0.6
    noise = torch.rand(1, size, size, size, generator=torch.Generator().manual_seed(1))
    texture = Gaussian(np.ones(3))(noise, 0.8)[0]
    image = inside * (1 + 3 * (texture - 0.5))
    return torch.roll(image, shift, (0, 1, 2))


def features(
    fixed: Tensor,
    moving: Tensor,
    spacing: float = 2.0,
    gap: float | None = 1.0,
    lattice: Lattice | None = None,
    voxel_map: Tensor | None = None,
) -> Features:
    return compute_features(*outcome_of(fixed, moving, spacing, gap, lattice, voxel_map))


def outcome_of(
    fixed: Tensor,
    moving: Tensor,
    spacing: float = 2.0,
    gap: float | None = 1.0,
    lattice: Lattice | None = None,
    voxel_map: Tensor | None = None,
) -> tuple[Outcome, PreparedPair]:
    shape = fixed.shape
    if lattice is None:
        lattice = Lattice.from_geometry(shape[::-1], (spacing,) * 3, (0, 0, 0))
    total = torch.full(shape, 0.25)
    found = Outcome(
        lattice,
        lattice,
        identity_map(shape) if voxel_map is None else voxel_map,
        torch.full(shape, 0.5),
        None if gap is None else torch.full(shape, gap),
        VarianceEstimate(total, None, None, torch.zeros(3, *shape), 8, 1),
        8,
        8,
        0.0,
        "cpu",
        Precision.F32,
        (),
    )
    return found, PreparedPair(moving[None, None], fixed[None, None], lattice, lattice)


def median(found: Features, name: str) -> float:
    """Of the voxels deep in the ball."""
    deep = found.values[:, found.names.index("depth")] > 12
    return float(found.values[deep, found.names.index(name)].median())


def test_what_is_known_comes_back_under_its_name() -> None:
    found = features(ball(), ball())
    assert found.names == tuple(FEATURES) and bool(found.values.isfinite().all())
    assert median(found, "total") == pytest.approx(0.5)
    assert (median(found, "gap"), median(found, "gap_4")) == pytest.approx((1, 1))
    assert median(found, "log_jacobian") == pytest.approx(np.log(2), abs=1e-5)
    assert median(found, "difference") < 1e-5 and median(found, "correlation_4") < 0.05
    assert median(features(ball(), ball(), gap=None), "gap") == 0.0
    whole = found.on_lattice(found.values[:, 0])
    assert torch.equal(whole.isfinite(), found.region)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("spacing", [2.0, 1.5])
def test_a_better_match_elsewhere_is_found_in_mm(axis: int, spacing: float) -> None:
    step = tuple(2 * int(a == axis) for a in range(3))
    found = features(ball(), ball(step), spacing)
    assert median(found, "better_offset") == pytest.approx(2 * spacing, rel=0.15)
    assert median(found, "better_gain") > 0.1
    assert median(features(ball(), ball(), spacing), "better_offset") < 0.5


def test_where_the_lattice_lies_and_how_it_is_turned_does_not_matter() -> None:
    """Anisotropic, with a bent answer; straight, and oblique and flipped with the same spacing."""
    spacing = (1.0, 2.0, 3.0)
    k, j, i = torch.meshgrid(*[torch.arange(float(SIZE))] * 3, indexing="ij")
    bend = torch.stack((torch.sin(j / 5), 0.5 * torch.cos(k / 4), 0.3 * torch.sin(i / 6)))
    straight = Lattice.from_geometry((SIZE,) * 3, spacing, (0, 0, 0))
    turn = rotation_matrix(np.array([0.4, -0.3, 0.7])) @ np.diag([1.0, -1.0, 1.0])
    oblique = Lattice.from_geometry((SIZE,) * 3, spacing, (30, -50, 80), turn)
    first, second = (
        features(
            ball(), ball((1, 0, 2)), lattice=each, voxel_map=identity_map(bend.shape[1:]) + bend
        )
        for each in (straight, oblique)
    )
    torch.testing.assert_close(first.values, second.values, atol=2e-3, rtol=2e-3)
    assert median(first, "strain") > 0.1


def test_the_contrast_of_either_image_does_not_matter() -> None:
    first, second = features(ball(), ball()), features(5 * ball(), 0.2 * ball())
    torch.testing.assert_close(first.values, second.values, atol=2e-3, rtol=2e-3)


def test_a_gaussian_has_its_width_in_mm_along_every_axis() -> None:
    lattice = FLIPPED
    point = torch.zeros(1, 41, 41, 41)
    point[0, 20, 20, 20] = 1
    for spacing in ((1.0, 1.0, 1.0), (2.0, 1.0, 3.0), tuple(lattice.spacing)):
        found = Gaussian(np.array(spacing))(point, 4.0)[0]
        assert float(found.sum()) == pytest.approx(1, abs=0.02)
        for axis, step in enumerate(spacing[::-1]):
            profile = found.sum([a for a in range(3) if a != axis])
            offsets = (torch.arange(41) - 20) * step
            width = float((profile * offsets.square()).sum().sqrt())
            assert width == pytest.approx(4.0, rel=0.05)


def test_at_the_border_a_flat_image_stays_flat() -> None:
    flat = torch.full((1, 9, 10, 11), 3.0)
    assert torch.allclose(Gaussian(np.array([2.0, 1.0, 1.5]))(flat, 5.0), flat)


def test_what_is_begun_before_the_last_pass_changes_nothing_and_is_of_its_answer_alone() -> None:
    found, pair = outcome_of(ball(), ball((1, 0, 2)))
    so_far = replace(found, variance=None, inverse_consistency=None)
    whole = compute_features(found, pair)
    begun = begin_features(so_far, pair)
    assert {"total", "total_4", "gap", "case_gap", "mean_offset"} <= FEATURES.keys() - begun.names
    assert torch.equal(compute_features(found, pair, begun).values, whole.values)
    other = begin_features(replace(so_far, prediction=found.prediction + 1), pair)
    assert torch.equal(compute_features(found, pair, other).values, whole.values)


def test_there_are_none_before_the_perturbations() -> None:
    image = ball()[None, None]
    lattice = Lattice.from_geometry((SIZE,) * 3, (2, 2, 2), (0, 0, 0))
    nothing = torch.ones(SIZE, SIZE, SIZE)
    found = Outcome(
        lattice,
        lattice,
        identity_map(nothing.shape),
        nothing,
        None,
        None,
        0,
        8,
        0.0,
        "cpu",
        Precision.F32,
        (),
    )
    with pytest.raises(ValueError, match="no perturbations"):
        compute_features(found, PreparedPair(image, image, lattice, lattice))


def test_a_slope_is_told_per_mm_along_each_axis_of_the_array() -> None:
    spacing = np.array([1.0, 2.0, 3.0])  # along (i, j, k)
    k, j, i = torch.meshgrid(*[torch.arange(7.0)] * 3, indexing="ij")
    ramp = 1 * (1.0 * i) + 4 * (2.0 * j) + 9 * (3.0 * k)  # per mm: 1, 4, 9
    found = _gradient(ramp, spacing)
    assert [float(axis.mean()) for axis in found] == pytest.approx([9, 4, 1])
