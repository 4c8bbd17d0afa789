"""Known deformations: their size, their inverse, and where they send a voxel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.lattices import FLIPPED, OBLIQUE, PLAIN, SHEARED, affine, rotation

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.evaluation.fields import draw, inverse_of
from TTAUncertaintyLib.evaluation.kinds import Deformation
from TTAUncertaintyLib.geometry import DeformableTransform, Lattice, points_on, sample

#: 100 mm a side, oblique, flipped, anisotropic.
AROUND = FLIPPED.centered((40, 50, 60), (2.5, 2.0, 1.8), (12.0, -8.0, 30.0))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def world(lattice: Lattice, kji: tuple[int, int, int]) -> np.ndarray:
    return np.asarray(lattice.to_world(kji[::-1]))


@pytest.mark.parametrize("lattice", [PLAIN, OBLIQUE, FLIPPED, SHEARED])
def test_points_of_an_affine_transform_are_those_of_its_matrix(lattice: Lattice) -> None:
    matrix = affine(rotation((1, 1, 0), 12.0), (3.0, -4.0, 5.0))
    nothing = DeformableTransform(torch.zeros(3, *OBLIQUE.array_shape), OBLIQUE, matrix)
    points = points_on(nothing, lattice)
    for at in [(0, 0, 0), (3, 7, 5), (11, 12, 9)]:
        expected = matrix[:3, :3] @ world(lattice, at) + matrix[:3, 3]
        assert points[:, at[0], at[1], at[2]].numpy() == pytest.approx(expected, abs=1e-4)


def test_a_displacement_goes_where_its_lattice_lies() -> None:
    """A voxel of another lattice is displaced by what the field says at that place."""
    slope = np.array([[0.1, 0.02, 0.0], [0.0, -0.05, 0.03], [0.04, 0.0, 0.08]])
    places = np.stack(np.meshgrid(*(np.arange(n) for n in AROUND.array_shape), indexing="ij"), -1)
    values = AROUND.to_world(places[..., ::-1]) @ slope.T
    field = torch.from_numpy(np.moveaxis(values, -1, 0)).float()
    transform = DeformableTransform(field, AROUND, np.eye(4))
    inner = OBLIQUE.centered((7, 8, 9), (3.0, 2.0, 4.0), AROUND.center)
    points = points_on(transform, inner)
    for at in [(0, 0, 0), (4, 5, 6), (8, 7, 6)]:
        here = world(inner, at)
        assert points[:, at[0], at[1], at[2]].numpy() == pytest.approx(
            here + slope @ here, abs=2e-3
        )


@pytest.mark.parametrize("kind", [k for k in Deformation if not k.folds])
def test_a_deformation_and_its_inverse_end_where_they_began(kind: Deformation) -> None:
    phi = draw(kind, AROUND, generator(1))
    lattice = OBLIQUE.centered((20, 25, 30), (2.5, 2.0, 1.8), AROUND.center)
    there = points_on(inverse_of(phi, lattice), lattice)
    # back again, point by point, through the lattice that phi lives on
    places = phi.lattice.to_voxel(there.flatten(1).T.double().numpy())
    voxels = torch.from_numpy(places).float().T.reshape(there.shape)
    inside = ((voxels >= 0) & (voxels <= torch.tensor(phi.lattice.size).view(3, 1, 1, 1) - 1)).all(
        0
    )
    back = there + sample(phi.displacement[None], voxels[None])[0]
    k, j, i = np.indices(lattice.array_shape)
    start = torch.from_numpy(lattice.to_world(np.stack((i, j, k), -1))).movedim(-1, 0)
    gap = (back - start).square().sum(0).sqrt()[inside]
    assert float(inside.float().mean()) > 0.5
    assert float(gap.max()) < 0.01


def test_a_fold_has_no_inverse() -> None:
    phi = draw(Deformation.PAPER_NONLINEAR, AROUND, generator(2))
    with pytest.raises(InputError, match="no inverse"):
        inverse_of(phi, AROUND)


@pytest.mark.parametrize(
    ("kind", "low", "high"), [(Deformation.SMOOTH, 4.0, 9.5), (Deformation.FINE, 1.5, 5.0)]
)
def test_smooth_deformations_have_the_size_they_say_and_do_not_fold(
    kind: Deformation, low: float, high: float
) -> None:
    for seed in range(4):
        phi = draw(kind, AROUND, generator(seed))
        rms = float(phi.displacement.square().sum(0).mean().sqrt())
        assert low < rms < high
        steps = [torch.gradient(phi.displacement[c], spacing=2.0) for c in range(3)]
        by_axis = torch.stack([torch.stack(rows) for rows in steps])  # [component, kji, ...]
        along = torch.from_numpy(np.ascontiguousarray(phi.lattice.direction[:, ::-1])).float()
        gradient = torch.einsum("ckxyz,wk->cwxyz", by_axis, along)
        jacobian = gradient.permute(2, 3, 4, 0, 1) + torch.eye(3)
        assert float(torch.linalg.det(jacobian).min()) > 0


def test_the_papers_kinds_have_the_published_size() -> None:
    shares, scales = [], []
    for seed in range(8):
        moved = draw(Deformation.PAPER_TRANSLATION, AROUND, generator(seed))
        field = moved.displacement.flatten(1)
        assert float(field.std(1).max()) < 1e-3
        along = phi_axes(moved.lattice) @ field.mean(1).numpy()
        shares.append(np.abs(along) / AROUND.extent)
        affine_ = draw(Deformation.PAPER_AFFINE, AROUND, generator(seed))
        scales.append(linear_part(affine_))
    assert 0.05 < np.max(shares) <= 0.1 + 1e-3
    diagonal = np.array([np.diag(s) for s in scales])
    assert diagonal.min() >= 0.8 - 1e-3 and diagonal.max() <= 1.2 + 1e-3
    off = np.array([s[[0, 0, 1], [1, 2, 2]] for s in scales])
    assert 0.03 < np.abs(off).max() <= 0.1 * 1.2 + 1e-3


def phi_axes(lattice: Lattice) -> np.ndarray:
    return np.asarray(lattice.direction.T)


def linear_part(transform: DeformableTransform) -> np.ndarray:
    """Return the matrix of an affine deformation in the axes of its lattice."""
    field, spacing = transform.displacement.double().numpy(), transform.lattice.spacing
    columns = [
        (field[:, 0, 0, 1] - field[:, 0, 0, 0]) / spacing[0],
        (field[:, 0, 1, 0] - field[:, 0, 0, 0]) / spacing[1],
        (field[:, 1, 0, 0] - field[:, 0, 0, 0]) / spacing[2],
    ]
    return np.eye(3) + phi_axes(transform.lattice) @ np.stack(columns, 1)


def test_the_same_seed_gives_the_same_field() -> None:
    first, again = (draw(Deformation.SMOOTH, AROUND, generator(3)) for _ in range(2))
    assert torch.equal(first.displacement, again.displacement)
    assert not torch.equal(
        first.displacement, draw(Deformation.SMOOTH, AROUND, generator(4)).displacement
    )
