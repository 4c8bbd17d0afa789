"""Random deformations: as large as asked for, without folds, and exactly what they say."""

from __future__ import annotations

import math

import pytest
import torch

from TTAUncertaintyLib.evaluation.random_fields import (
    DeformationStatistics,
    apply_affine,
    cubic_spline_basis,
    folded_fraction,
    random_affine,
    random_deformation,
    random_velocity,
    sample_labels,
    smooth_noise,
)
from TTAUncertaintyLib.models.networks.displacement_fields import (
    compose_displacements,
    exponentiate,
    identity_grid,
    sample_displaced,
)
from TTAUncertaintyLib.perturbations import jacobian_determinant

SHAPE = (24, 32, 28)
NO_AFFINE = {"rotation_deg": 0.0, "translation_mm": 0.0, "log_scale": 0.0, "shear": 0.0}


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_spline_basis_sums_to_one_and_reproduces_a_line() -> None:
    basis = cubic_spline_basis(17, 3.0, 0.4)
    assert torch.allclose(basis.sum(1), torch.ones(17), atol=1e-6)
    line = basis @ torch.arange(basis.shape[1], dtype=torch.float32)
    assert torch.allclose(line.diff(), torch.full((16,), 1.0 / 3.0), atol=1e-5)


def test_noise_has_unit_deviation_and_no_mean() -> None:
    noise = smooth_noise((3, *SHAPE), 5.0, _generator(1))
    assert noise.shape == (3, *SHAPE)
    assert torch.allclose(noise.std(dim=(1, 2, 3)), torch.ones(3), atol=0.05)
    assert torch.allclose(noise.mean(dim=(1, 2, 3)), torch.zeros(3), atol=0.05)


@pytest.mark.parametrize("seed", range(8))
def test_a_large_random_deformation_does_not_fold(seed: int) -> None:
    statistics = DeformationStatistics(rms_mm=(15.0, 15.0), spacing_mm=(40.0, 20.0))
    displacement = random_deformation(SHAPE, 4.0, statistics, _generator(seed))
    assert folded_fraction(displacement) == 0.0


def test_the_velocity_has_the_size_asked_for() -> None:
    statistics = DeformationStatistics(rms_mm=(6.0, 6.0))
    squares = [
        random_velocity(SHAPE, 4.0, statistics, _generator(seed)).square().sum(1).mean()
        for seed in range(12)
    ]
    rms_mm = 4.0 * math.sqrt(float(torch.stack(squares).mean()))
    assert rms_mm == pytest.approx(6.0, rel=0.1)


def test_the_affine_part_is_exact() -> None:
    statistics = DeformationStatistics(affine_share=1.0)
    affine = random_affine(statistics, _generator(3))
    inner = smooth_noise((3, *SHAPE), 8.0, _generator(4))[None]
    displacement = apply_affine(affine, inner, 4.0)
    voxel = (5, 20, 11)
    centre = torch.tensor([(n - 1) / 2 for n in reversed(SHAPE)])
    point = torch.tensor(voxel[::-1]).float() + inner[0, :, voxel[0], voxel[1], voxel[2]] - centre
    expected = (affine[:, :3] @ (4.0 * point) + affine[:, 3]) / 4.0 + centre
    moved = (identity_grid(SHAPE, inner) + displacement)[0, :, voxel[0], voxel[1], voxel[2]]
    assert torch.allclose(moved, expected, atol=1e-4)


def test_the_inverse_velocity_undoes_the_deformation() -> None:
    velocity = smooth_noise((3, *SHAPE), 12.0, _generator(5))[None]
    there, back = exponentiate(velocity, 6), exponentiate(-velocity, 6)
    left_over = compose_displacements(there, back)[:, :, 4:-4, 4:-4, 4:-4]
    assert float(left_over.abs().max()) < 0.05


def test_components_follow_the_last_axis_first() -> None:
    volume = identity_grid(SHAPE, torch.zeros(1))
    shift = torch.zeros(1, 3, *SHAPE)
    shift[:, 0], shift[:, 1], shift[:, 2] = 1.0, 0.5, -0.25
    sampled = sample_displaced(volume, shift)[:, :, 2:-2, 2:-2, 2:-2]
    expected = (volume + shift)[:, :, 2:-2, 2:-2, 2:-2]
    assert torch.allclose(sampled, expected, atol=1e-4)


def test_the_jacobian_of_a_scaling_is_its_volume() -> None:
    scaled = torch.tensor([0.1, 0.2, -0.3]).view(1, 3, 1, 1, 1) * identity_grid(
        SHAPE, torch.zeros(1)
    )
    determinant = jacobian_determinant(scaled[0])
    assert torch.allclose(determinant, torch.full_like(determinant, 1.1 * 1.2 * 0.7), atol=1e-4)


def test_a_mirror_image_counts_as_folded() -> None:
    mirrored = torch.zeros(1, 3, *SHAPE)
    mirrored[:, 0] = -2.0 * identity_grid(SHAPE, mirrored)[:, 0]
    assert folded_fraction(mirrored) == 1.0


def test_labels_are_sampled_where_the_displacement_points() -> None:
    labels = torch.arange(24 * 32 * 28).reshape(SHAPE)
    shift = torch.zeros(1, 3, *SHAPE)
    shift[:, 0], shift[:, 2] = 2.0, 1.0
    assert torch.equal(sample_labels(labels, shift)[:-1, :, :-2], labels[1:, :, 2:])
