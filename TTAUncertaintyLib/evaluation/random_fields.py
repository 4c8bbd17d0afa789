"""Random smooth deformations with exactly known displacement.

Vectors are displacements in voxels of the lattice named, components (i, j, k); tensors are
[D, H, W] without a batch axis unless said otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from TTAUncertaintyLib.models.networks.displacement_fields import exponentiate, identity_grid
from TTAUncertaintyLib.perturbations import jacobian_determinant
from TTAUncertaintyLib.perturbations.bspline import basis_matrix


@dataclass(frozen=True)
class DeformationStatistics:
    """How large and how smooth the random deformations are."""

    #: The root mean square of the smooth part is drawn uniformly from this interval.
    rms_mm: tuple[float, float] = (0.5, 7.5)
    #: Grid spacings of the smooth parts that are mixed, coarse to fine.
    spacing_mm: tuple[float, ...] = (72.0, 48.0, 32.0, 20.0)
    #: Weight of the finest part against the coarsest; those between are interpolated.
    finest_share: float = 0.3
    #: Standard deviations of the affine part.
    rotation_deg: float = 4.0
    translation_mm: float = 3.0
    log_scale: float = 0.04
    shear: float = 0.02
    affine_share: float = 0.3


def cubic_spline_basis(count: int, spacing: float, phase: float) -> Tensor:
    """Return the uniform cubic B-spline basis, float32, [count, controls]; see `basis_matrix`."""
    controls = int((count - 1) / spacing + phase) + 4
    return basis_matrix(count, controls, spacing, phase).float()


def smooth_noise(
    shape: tuple[int, ...], spacing_voxels: float, generator: torch.Generator
) -> Tensor:
    """Draw a cubic B-spline with random coefficients, of mean 0 and standard deviation 1.

    Parameters
    ----------
    shape
        (C, D, H, W).
    spacing_voxels
        Distance of the control points.

    Returns
    -------
    Tensor
        Float32, shape (C, D, H, W); mean and deviation hold for each channel of the draw.
    """
    channels, *lattice = shape
    phases = torch.rand(3, generator=generator).tolist()
    k, j, i = (
        cubic_spline_basis(n, spacing_voxels, phase)
        for n, phase in zip(lattice, phases, strict=True)
    )
    noise = torch.randn(channels, k.shape[1], j.shape[1], i.shape[1], generator=generator)
    # One axis after the other: the tensor product costs three small matrix products.
    noise = torch.einsum("cxyz,kx->ckyz", noise, k)
    noise = torch.einsum("ckyz,jy->ckjz", noise, j)
    noise = torch.matmul(noise, i.T)
    sample = noise.reshape(channels, -1)[:, ::5]
    deviation, mean = torch.std_mean(sample, dim=1)
    return (noise - mean.view(-1, 1, 1, 1)) / deviation.clamp(min=1e-6).view(-1, 1, 1, 1)


def random_velocity(
    shape: tuple[int, int, int],
    spacing_mm: float,
    statistics: DeformationStatistics,
    generator: torch.Generator,
) -> Tensor:
    """Draw a smooth stationary velocity, [1, 3, D, H, W], in voxels of `spacing_mm`."""
    low, high = statistics.rms_mm
    rms = low + (high - low) * float(torch.rand(1, generator=generator))
    scales = len(statistics.spacing_mm)
    velocity = torch.zeros(3, *shape)
    power = 0.0
    for index, spacing in enumerate(statistics.spacing_mm):
        share = 1.0 - (1.0 - statistics.finest_share) * index / max(scales - 1, 1)
        # The mixture varies from pair to pair, so that no single smoothness is learnt by heart.
        share *= float(torch.rand(1, generator=generator))
        velocity += share * smooth_noise((3, *shape), spacing / spacing_mm, generator)
        power += share**2
    # One component's variance is `power`; the vector's mean square is three times that.
    return velocity.unsqueeze(0) * (rms / spacing_mm) / math.sqrt(3.0 * max(power, 1e-6))


def random_affine(statistics: DeformationStatistics, generator: torch.Generator) -> Tensor:
    """Draw an affine map about the lattice's centre, in mm, [3, 4], components (i, j, k)."""
    size = 1.0 if float(torch.rand(1, generator=generator)) < statistics.affine_share else 0.3
    normal = torch.randn(12, generator=generator) * size
    angles = normal[:3] * math.radians(statistics.rotation_deg)
    scale = torch.diag(torch.exp(normal[3:6] * statistics.log_scale))
    shear = torch.eye(3)
    shear[0, 1], shear[0, 2], shear[1, 2] = (normal[6:9] * statistics.shear).tolist()
    x, y, z = angles.tolist()
    generator_matrix = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    rotation = torch.linalg.matrix_exp(generator_matrix)
    linear = rotation @ scale @ shear
    return torch.cat((linear, normal[9:, None] * statistics.translation_mm), dim=1)


def affine_displacement(
    affine_mm: Tensor, shape: tuple[int, int, int], spacing_mm: float
) -> Tensor:
    """Return the displacement of an affine map about the centre, [1, 3, D, H, W], in voxels."""
    middle = torch.tensor([(n - 1) / 2 for n in reversed(shape)]).view(1, 3, 1, 1, 1)
    offset = identity_grid(shape, affine_mm) - middle
    linear, translation = affine_mm[:, :3], affine_mm[:, 3] / spacing_mm
    moved = torch.einsum("ab,nbkji->nakji", linear - torch.eye(3), offset)
    return moved + translation.view(1, 3, 1, 1, 1)


def random_deformation(
    shape: tuple[int, int, int],
    spacing_mm: float,
    statistics: DeformationStatistics,
    generator: torch.Generator,
) -> Tensor:
    """Draw an invertible deformation: y -> A(exp(v)(y)).

    The velocity is integrated on the lattice itself; where sampling makes the discrete field fold
    all the same, the velocity is reduced until it does not.

    Returns
    -------
    Tensor
        The displacement, shape [1, 3, D, H, W], in voxels.
    """
    velocity = random_velocity(shape, spacing_mm, statistics, generator)
    affine = random_affine(statistics, generator)
    displacement = exponentiate(velocity, 6)
    while folded_fraction(displacement) > 0.0:
        velocity = 0.8 * velocity
        displacement = exponentiate(velocity, 6)
    return apply_affine(affine, displacement, spacing_mm)


def apply_affine(affine_mm: Tensor, displacement: Tensor, spacing_mm: float) -> Tensor:
    """Return the displacement of x -> A(x + displacement(x)), exactly."""
    shape = (displacement.shape[2], displacement.shape[3], displacement.shape[4])
    linear = affine_mm[:, :3]
    straight = affine_displacement(affine_mm, shape, spacing_mm)
    return straight + torch.einsum("ab,nbkji->nakji", linear, displacement)


def folded_fraction(displacement: Tensor) -> float:
    """Return the fraction of voxels, [1, 3, D, H, W], whose Jacobian is not positive."""
    return float((jacobian_determinant(displacement[0]) <= 0).float().mean())


def sample_labels(labels: Tensor, displacement: Tensor) -> Tensor:
    """Sample labels [D, H, W] at the nearest voxel of x + displacement(x), [1, 3, D, H, W].

    Points beyond the lattice take the border's label.
    """
    shape = labels.shape
    points = identity_grid(displacement.shape[2:], displacement) + displacement
    i, j, k = (
        points[0, axis].round().clamp(0, size - 1).long()
        for axis, size in enumerate(reversed(shape))
    )
    return labels.reshape(-1)[(k * shape[1] + j) * shape[2] + i]
