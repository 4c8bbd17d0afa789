"""A minimal test-time uncertainty, to judge a network in training.

Eight rigid perturbations of the moving image in a two-level orthogonal (Hadamard) design; the map
is the square root of the trace of the sample covariance of the compensated predictions (Tian, Hu
and Iglesias, arXiv 2509.23355).  The product's engine does this properly; training must not
depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from TTAUncertaintyLib.models.displacement_fields import identity_grid, sample_displaced

Register = Callable[[Tensor, Tensor], Tensor]
"""(moving, fixed), both [B, 1, D, H, W], to the displacement [B, 3, D, H, W] in voxels."""


def hadamard_rigid_design(translation: float, rotation_deg: float) -> Tensor:
    """Return eight rigid motions, [8, 6]: three translations, then three rotations in degrees."""
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    hadamard = torch.kron(torch.kron(two, two), two)
    return hadamard[:, 1:7] * torch.tensor([translation] * 3 + [rotation_deg] * 3)


def rigid_matrix(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Return rotation [3, 3] and translation [3] of one row of the design, axes (i, j, k)."""
    x, y, z = (parameters[3:] * math.pi / 180.0).tolist()
    generator = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return torch.linalg.matrix_exp(generator), parameters[:3]


@torch.inference_mode()
def perturbation_map(
    register: Register,
    moving: Tensor,
    fixed: Tensor,
    spacing_mm: float,
    translation_mm: float = 1.0,
    rotation_deg: float = 1.0,
) -> Tensor:
    """Return the total uncertainty u = sqrt(tr S), in mm, [D, H, W].

    Parameters
    ----------
    register
        The network.
    moving, fixed
        Shape [1, 1, D, H, W].
    """
    shape = moving.shape[2:]
    grid = identity_grid(shape, moving)
    centre = (torch.tensor(shape[::-1]) - 1.0).view(1, 3, 1, 1, 1) / 2.0
    mean = torch.zeros_like(grid)
    squares = torch.zeros(1, 1, *shape)
    design = hadamard_rigid_design(translation_mm / spacing_mm, rotation_deg)
    for count, parameters in enumerate(design, start=1):
        rotation, translation = rigid_matrix(parameters)

        def tau(points: Tensor, r: Tensor = rotation, t: Tensor = translation) -> Tensor:
            turned = torch.einsum("ab,nbkji->nakji", r, points - centre)
            return turned + centre + t.view(1, 3, 1, 1, 1)

        perturbed = sample_displaced(moving, tau(grid) - grid)
        # g = tau(f(A o tau, B)(y)); Welford's update of mean and summed squares.
        compensated = tau(grid + register(perturbed, fixed))
        change = compensated - mean
        mean = mean + change / count
        squares = squares + (change * (compensated - mean)).sum(1, keepdim=True)
    return (squares[0, 0] / (len(design) - 1)).sqrt() * spacing_mm
