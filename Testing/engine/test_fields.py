"""Jacobian determinant and inverse consistency, against maps whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.images import world_grid
from support.lattices import FLIPPED, OBLIQUE, PAIRS, SHEARED, affine, rotation
from torch import Tensor

from TTAUncertaintyLib.engine import (
    in_mm,
    inverse_consistency,
    jacobian_determinant_mm,
    rest_matrix,
)
from TTAUncertaintyLib.geometry import Lattice, Matrix, affine_map, identity_map

Array = NDArray[np.float64]


def voxel_map(ends: Array, moving: Lattice) -> Tensor:
    """Return a map from world end points (D, H, W, 3), as a network would give it."""
    return torch.from_numpy(np.moveaxis(moving.to_voxel(ends), -1, 0).astype(np.float32))


def small_affine(fixed: Lattice, moving: Lattice) -> Matrix:
    """Return a world map near the one from middle to middle, orientation kept."""
    linear = rotation((1, 2, 0), 5.0) @ np.diag([1.03, 0.98, 1.01])
    return affine(linear, moving.center - linear @ fixed.center)


@pytest.mark.parametrize("lattices", PAIRS)
def test_the_jacobian_of_an_affine_map_is_its_determinant_in_the_world(lattices: str) -> None:
    fixed, moving = PAIRS[lattices]
    matrix = small_affine(fixed, moving)
    ends = world_grid(fixed) @ matrix[:3, :3].T + matrix[:3, 3]
    found = jacobian_determinant_mm(voxel_map(ends, moving), moving, fixed)
    # differences of float32 coordinates below 30: 4e-6 each, three factors
    assert torch.allclose(found, torch.tensor(np.linalg.det(matrix[:3, :3])).float(), atol=1e-4)


def test_a_reflection_has_a_negative_jacobian_whatever_the_lattices_handedness() -> None:
    mirror = affine(np.diag([-1.0, 1.0, 1.0]), FLIPPED.center + OBLIQUE.center * [1, -1, -1])
    ends = world_grid(OBLIQUE) @ mirror[:3, :3].T + mirror[:3, 3]
    found = jacobian_determinant_mm(voxel_map(ends, FLIPPED), FLIPPED, OBLIQUE)
    assert torch.allclose(found, torch.tensor(-1.0), atol=1e-4)


def test_the_jacobian_of_a_quadratic_map_is_known_at_every_inner_voxel() -> None:
    """phi(y) = y + q (u.(y - c))^2 has the determinant 1 + 2 (q.u) u.(y - c).

    Central differences of a quadratic are exact.
    """
    fixed, moving = OBLIQUE, SHEARED
    u = np.array([0.6, 0.0, 0.8])
    q = np.array([0.01, 0.004, 0.012])
    along = (world_grid(fixed) - fixed.center) @ u
    ends = world_grid(fixed) + along[..., None] ** 2 * q + (moving.center - fixed.center)
    found = jacobian_determinant_mm(voxel_map(ends, moving), moving, fixed).numpy()
    expected = 1 + 2 * (q @ u) * along
    inner = (slice(1, -1),) * 3
    assert np.abs(found - expected)[inner].max() < 1e-4
    # one-sided on the border: off by half a step of the second derivative
    assert np.abs(found - expected).max() < 2 * (q @ u) * fixed.spacing.sum()


@pytest.mark.parametrize("lattices", PAIRS)
def test_a_map_and_its_exact_inverse_are_consistent(lattices: str) -> None:
    fixed, moving = PAIRS[lattices]
    forward, backward = there_and_back(fixed, moving, np.zeros(3))
    found = inverse_consistency(forward, backward, moving, fixed)
    assert float(found.max()) < 1e-3  # float32 voxel coordinates, times 3 mm


@pytest.mark.parametrize("lattices", PAIRS)
def test_an_inverse_that_is_off_by_a_vector_is_inconsistent_by_its_length(lattices: str) -> None:
    fixed, moving = PAIRS[lattices]
    forward, backward = there_and_back(fixed, moving, np.array([2.0, -1.0, 2.0]))
    found = inverse_consistency(forward, backward, moving, fixed)
    assert torch.allclose(found, torch.tensor(3.0), atol=2e-3)


def there_and_back(fixed: Lattice, moving: Lattice, beside: Array) -> tuple[Tensor, Tensor]:
    """Return an affine map and its inverse plus a shift in the fixed world, mm.

    The inverse lives on the moving lattice and is trilinear between voxels, which is exact for an
    affine map; beyond the border its offset from the rest position is repeated, so the map is
    built to be exactly the rest map there: axes to axes, corners to corners, shifted.
    """
    rest = rest_matrix(moving, fixed)
    back = np.linalg.inv(rest)
    ends = world_grid(fixed) @ rest[:3, :3].T + rest[:3, 3]
    returns = world_grid(moving) @ back[:3, :3].T + back[:3, 3] + beside
    return voxel_map(ends, moving), voxel_map(returns, fixed)


def test_a_rotation_and_its_inverse_are_consistent_where_both_fields_of_view_reach() -> None:
    fixed, moving = OBLIQUE, FLIPPED
    matrix = small_affine(fixed, moving)
    back = np.linalg.inv(matrix)
    ends = world_grid(fixed) @ matrix[:3, :3].T + matrix[:3, 3]
    returns = world_grid(moving) @ back[:3, :3].T + back[:3, 3] + np.array([0.0, 3.0, 4.0])
    forward = voxel_map(ends, moving)
    found = inverse_consistency(forward, voxel_map(returns, fixed), moving, fixed)
    limits = torch.tensor(moving.size).view(3, 1, 1, 1) - 1
    inside = ((forward >= 0) & (forward <= limits)).all(0)
    assert float(inside.float().mean()) > 0.3
    assert torch.allclose(found[inside], torch.tensor(5.0), atol=2e-3)


def test_the_rest_map_of_one_shape_sends_every_voxel_to_itself() -> None:
    other = Lattice(OBLIQUE.size, SHEARED.matrix)
    voxels = np.array([[0, 0, 0], [3, 5, 7], [14, 15, 12]])
    matrix = rest_matrix(other, OBLIQUE)
    arrived = OBLIQUE.to_world(voxels) @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.allclose(other.to_voxel(arrived), voxels, atol=1e-9)


def test_the_rest_map_of_two_shapes_sends_corners_to_corners() -> None:
    matrix = rest_matrix(FLIPPED, OBLIQUE)
    arrived = OBLIQUE.corners() @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.allclose(arrived, FLIPPED.corners(), atol=1e-9)


def test_voxel_offsets_become_mm_along_the_lattices_axes() -> None:
    offsets = torch.rand((3, 4, 4, 4), generator=torch.Generator().manual_seed(0))
    expected = torch.einsum("rc,cdhw->rdhw", torch.tensor(SHEARED.linear).float(), offsets)
    assert torch.allclose(in_mm(offsets, SHEARED), expected, atol=1e-5)
    whole = torch.tensor(SHEARED.matrix)
    at = identity_map((2, 2, 2))
    shifted = affine_map(whole, at + 1) - affine_map(whole, at)
    assert torch.allclose(in_mm(torch.ones((3, 2, 2, 2)), SHEARED), shifted, atol=1e-4)
