"""What a perturbation does to a moving image on its lattice, and to predictions for it.

An action is a perturbation tau written in the voxel coordinates of one lattice: the form that the
engine's loop needs, on the device. Fields are tensors [3, D, H, W], axes (k, j, i), components
(i, j, k), in voxels.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ..geometry import affine_grid, affine_map, identity_map, sample, sample_grid


class Action(Protocol):
    """tau on a lattice."""

    def warp(self, image: Tensor) -> Tensor:
        """Return A∘tau: the image resampled through tau.

        Parameters
        ----------
        image
            [1, C, D, H, W], A. Beyond its border the border is repeated.

        Returns
        -------
        Tensor
            [1, C, D, H, W], at voxel x the value A(tau(x)).
        """
        ...

    def compensate(self, prediction: Tensor, to_world: Tensor) -> Tensor:
        """Return tau∘prediction, mapped on into the world.

        Parameters
        ----------
        prediction
            [3, d, h, w], points in voxels of the lattice.
        to_world
            [4, 4], voxel-to-world matrix of the lattice, mm.

        Returns
        -------
        Tensor
            [3, d, h, w], world LPS mm.
        """
        ...

    def points(self, points: Tensor) -> Tensor:
        """Return tau at points [3, d, h, w], voxels to voxels."""
        ...

    def shifted(self, offset: Tensor) -> Action:
        """Return the action followed by a translation of `offset` voxels, shape (3,)."""
        ...

    def folded_fraction(self) -> float:
        """Return the share of the lattice's voxels at which tau turns space inside out."""
        ...


class AffineAction:
    """An affine tau: a matrix product in voxel coordinates.

    Parameters
    ----------
    matrix
        float64 [4, 4] on the CPU: voxel to voxel.
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix

    def warp(self, image: Tensor) -> Tensor:
        """Return A∘tau; see `Action.warp`."""
        shape = image.shape[2:]
        grid = affine_grid(self.matrix, shape, shape, image.device)
        return sample_grid(image.float(), grid).to(image.dtype)

    def compensate(self, prediction: Tensor, to_world: Tensor) -> Tensor:
        """Return tau∘prediction in mm; see `Action.compensate`. One product does both."""
        return affine_map(to_world.double().cpu() @ self.matrix, prediction)

    def points(self, points: Tensor) -> Tensor:
        """Return tau at points, voxels to voxels."""
        return affine_map(self.matrix, points)

    def shifted(self, offset: Tensor) -> AffineAction:
        """Return the action followed by a translation of `offset` voxels."""
        matrix = self.matrix.clone()
        matrix[:3, 3] += offset.to(matrix)
        return AffineAction(matrix)

    def folded_fraction(self) -> float:
        """Return 1 for a reflection, else 0."""
        return float(torch.linalg.det(self.matrix[:3, :3]) <= 0)


class DisplacementAction:
    """A deformable tau: x + d(x), d trilinear between voxels and constant beyond the border.

    Taking the *interpolated* field as the definition of tau makes the action on the image and the
    action on points the same map to rounding error, so that an equivariant network leaves no
    variance. It departs from the smooth spline behind it by at most h^2/8 times the spline's
    second derivative between voxel centres (h one voxel).

    Parameters
    ----------
    displacement
        float32 [3, D, H, W], d, voxels.
    """

    def __init__(self, displacement: Tensor) -> None:
        self.displacement = displacement

    def warp(self, image: Tensor) -> Tensor:
        """Return A∘tau; see `Action.warp`."""
        grid = identity_map(image.shape[2:], image.device).add_(self.displacement)
        return sample(image, grid[None])

    def compensate(self, prediction: Tensor, to_world: Tensor) -> Tensor:
        """Return tau∘prediction in mm; see `Action.compensate`."""
        return affine_map(to_world, self.points(prediction))

    def points(self, points: Tensor) -> Tensor:
        """Return tau at points, voxels to voxels."""
        return sample(self.displacement[None], points[None])[0].add_(points)

    def shifted(self, offset: Tensor) -> DisplacementAction:
        """Return the action followed by a translation of `offset` voxels."""
        return DisplacementAction(self.displacement + offset.to(self.displacement).view(3, 1, 1, 1))

    def folded_fraction(self) -> float:
        """Return the share of voxel cells whose corner determinants are not all positive."""
        return float((jacobian_determinant(self.displacement) <= 0).float().mean())


def jacobian_determinant(displacement: Tensor) -> Tensor:
    """Return det(I + grad d) by forward differences along each axis.

    Parameters
    ----------
    displacement
        [3, D, H, W], components (i, j, k), voxels.

    Returns
    -------
    Tensor
        [D-1, H-1, W-1].
    """
    d = displacement
    base = d[:, :-1, :-1, :-1]
    columns = [
        d[:, :-1, :-1, 1:] - base,
        d[:, :-1, 1:, :-1] - base,
        d[:, 1:, :-1, :-1] - base,
    ]
    for axis, column in enumerate(columns):
        column[axis] += 1
    a, b, c = columns
    return (torch.linalg.cross(a, b, dim=0) * c).sum(0)
