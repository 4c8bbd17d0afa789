"""What follows from a predicted map by differentiation and composition."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..geometry import Lattice, Matrix, affine_map, identity_map, sample


def rest_matrix(moving: Lattice, fixed: Lattice) -> Matrix:
    """Return the linear map a network gives that does nothing, fixed world to moving world.

    It sends corner voxels to corner voxels: for tensors of one shape, voxel to the same voxel.

    Returns
    -------
    Matrix
        Shape (4, 4), LPS mm.
    """
    return moving.matrix @ np.diag(_voxel_ratio(moving, fixed)) @ fixed.inverse


def _voxel_ratio(to: Lattice, of: Lattice) -> np.ndarray:
    ratio = (np.array(to.size) - 1) / np.maximum(np.array(of.size) - 1, 1)
    return np.append(ratio, 1.0)


def inverse_consistency(
    forward: Tensor, backward: Tensor, moving: Lattice, fixed: Lattice
) -> Tensor:
    """Return how far a round trip fixed to moving to fixed ends from where it began.

    Parameters
    ----------
    forward
        [3, D, H, W] on the fixed lattice: voxels of the moving lattice.
    backward
        [3, d, h, w] on the moving lattice: voxels of the fixed lattice.
    moving, fixed
        The lattices.

    Returns
    -------
    Tensor
        [D, H, W], mm in the fixed world.
    """
    ratio = torch.from_numpy(np.diag(_voxel_ratio(fixed, moving)))
    offset = backward - affine_map(ratio, identity_map(backward.shape[1:], backward.device))
    arrived = affine_map(ratio, forward) + sample(offset[None], forward[None])[0]
    gap = arrived - identity_map(forward.shape[1:], forward.device)
    return in_mm(gap, fixed).square_().sum(0).sqrt_()


def in_mm(offsets: Tensor, lattice: Lattice) -> Tensor:
    """Turn offset vectors [3, D, H, W] in voxels of a lattice into mm in its world."""
    matrix = np.eye(4)
    matrix[:3, :3] = lattice.linear
    return affine_map(torch.from_numpy(matrix), offsets)


def jacobian_determinant_mm(forward: Tensor, moving: Lattice, fixed: Lattice) -> Tensor:
    """Return the determinant of the map's Jacobian in the world.

    Parameters
    ----------
    forward
        [3, D, H, W] on the fixed lattice, voxels of the moving lattice.

    Returns
    -------
    Tensor
        [D, H, W], dimensionless: 1 keeps volume, at or below 0 folds. Central differences inside,
        one-sided ones on the border.
    """
    by_k, by_j, by_i = torch.gradient(forward, dim=(1, 2, 3))
    determinant = (torch.linalg.cross(by_i, by_j, dim=0) * by_k).sum(0)
    return determinant * float(np.linalg.det(moving.linear) / np.linalg.det(fixed.linear))
