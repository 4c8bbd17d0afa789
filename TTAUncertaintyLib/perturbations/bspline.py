"""Uniform cubic B-splines on a lattice: free-form deformations.

Source: Rueckert et al., "Nonrigid registration using free-form deformations", IEEE TMI 18 (1999).
"""

from __future__ import annotations

import torch
from torch import Tensor


def spline_displacement(
    coefficients: Tensor, shape: tuple[int, int, int], step: tuple[float, float, float]
) -> Tensor:
    """Evaluate a cubic B-spline at every voxel of a lattice.

    Parameters
    ----------
    coefficients
        [3, nk, nj, ni] (see `families.control_grid_shape`), components (i, j, k), any unit.
    shape
        (D, H, W) of the lattice.
    step
        Control-point spacing along (i, j, k), voxels.

    Returns
    -------
    Tensor
        [3, D, H, W], components (i, j, k), in the unit of the coefficients.

    Notes
    -----
    The tensor product is taken one axis at a time: three small matrix products instead of 64
    terms a voxel.
    """
    field = coefficients
    for axis, (n, s) in enumerate(zip(shape, reversed(step), strict=True)):
        basis = basis_matrix(n, field.shape[axis + 1], s).to(field)
        field = torch.tensordot(field, basis, dims=([axis + 1], [1])).movedim(-1, axis + 1)
    return field.contiguous()


def basis_matrix(voxels: int, controls: int, step: float, phase: float = 0.0) -> Tensor:
    """Return the weight of each control point at each voxel of one axis.

    Parameters
    ----------
    voxels, controls
        How many of each.
    step
        Control-point spacing, voxels.
    phase
        Shift of the grid: control point c lies at voxel (c - 1 - phase) * step.

    Returns
    -------
    Tensor
        float64, [voxels, controls]; rows sum to one inside the spline's domain.
    """
    at = torch.arange(voxels, dtype=torch.float64) / step + phase + 1
    distance = (at[:, None] - torch.arange(controls, dtype=torch.float64)[None]).abs()
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = (2 - distance).clamp(min=0) ** 3 / 6
    return torch.where(distance < 1, near, far)
