"""Arithmetic on displacement fields in voxels, and the comparison of features along them.

A displacement has shape [B, 3, D, H, W]; its components (i, j, k) run along W, H and D, in voxels
of the lattice it is given on.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from TTAUncertaintyLib.geometry import identity_map


def identity_grid(shape: Sequence[int], reference: Tensor) -> Tensor:
    """Return the voxel indices of a lattice.

    Parameters
    ----------
    shape
        (D, H, W).
    reference
        A tensor whose device and dtype the result takes.

    Returns
    -------
    Tensor
        Shape [1, 3, D, H, W]; components (i, j, k): component 0 counts along W.
    """
    depth, height, width = shape
    grid = identity_map((depth, height, width), reference.device)
    return grid.to(reference.dtype).unsqueeze(0)


def sample_displaced(volume: Tensor, displacement: Tensor) -> Tensor:
    """Sample a volume at every voxel of a lattice plus a displacement.

    Parameters
    ----------
    volume
        Shape [B, C, D, H, W].
    displacement
        Shape [B, 3, D, H, W], in voxels of that lattice, components (i, j, k).

    Returns
    -------
    Tensor
        volume(x + displacement(x)), float32, shape [B, C, D, H, W]; trilinear, and beyond the
        border the border's own value.
    """
    displacement = displacement.float()
    depth, height, width = displacement.shape[2:]
    points = (identity_grid((depth, height, width), displacement) + displacement).permute(
        0, 2, 3, 4, 1
    )
    scale = points.new_tensor([2.0 / max(n - 1, 1) for n in (width, height, depth)])
    with torch.autocast(volume.device.type, enabled=False):
        return F.grid_sample(
            volume.float(),
            points * scale - 1.0,
            mode="bilinear",
            padding_mode="border",
            align_corners=True,
        )


def compose_displacements(outer: Tensor, inner: Tensor) -> Tensor:
    """Return the displacement of x -> x + inner(x) followed by x -> x + outer(x).

    Both have shape [B, 3, D, H, W], in voxels of one lattice.
    """
    composed: Tensor = inner + sample_displaced(outer, inner)
    return composed


def exponentiate(velocity: Tensor, steps: int) -> Tensor:
    """Integrate a stationary velocity by scaling and squaring (Arsigny et al., MICCAI 2006).

    Parameters
    ----------
    velocity
        Shape [B, 3, D, H, W], in voxels.
    steps
        The number of squarings; 0 returns the velocity itself.
    """
    displacement = velocity / 2**steps
    for _ in range(steps):
        displacement = compose_displacements(displacement, displacement)
    return displacement


def upsample_displacement(displacement: Tensor) -> Tensor:
    """Carry a displacement in voxels to the lattice of half the spacing."""
    return 2.0 * F.interpolate(
        displacement, scale_factor=2.0, mode="trilinear", align_corners=False
    )


def local_correlation(fixed: Tensor, moving: Tensor) -> Tensor:
    """Correlate every fixed feature with its 27 nearest moving features.

    Parameters
    ----------
    fixed, moving
        Shape [B, C, D, H, W].

    Returns
    -------
    Tensor
        Shape [B, 27, D, H, W]: cosines, ordered by the neighbour's offset along D, H, W.
    """
    fixed = F.normalize(fixed.float(), dim=1, eps=1e-3)
    moving = F.normalize(moving.float(), dim=1, eps=1e-3)
    padded = F.pad(moving, (1,) * 6, mode="replicate")
    depth, height, width = fixed.shape[2:]
    cosines = [
        (fixed * padded[:, :, k : k + depth, j : j + height, i : i + width]).sum(1)
        for k in range(3)
        for j in range(3)
        for i in range(3)
    ]
    return torch.stack(cosines, dim=1)


def alignment_force(fixed: Tensor, warped: Tensor) -> tuple[Tensor, Tensor]:
    """Compute which way, and how firmly, the features ask the moving image to be shifted.

    With the features' derivatives d_a M along the axes a = (i, j, k), both terms of the
    Gauss-Newton step on |F - M|^2 (Lucas and Kanade, IJCAI 1981; Thirion's demons, 1998), averaged
    over 27 neighbours:

        force_a = (F - M) . d_a M        stiffness_a = |d_a M|^2

    Parameters
    ----------
    fixed, warped
        Shape [B, C, D, H, W].

    Returns
    -------
    force, stiffness
        Float32, shape [B, 3, D, H, W].
    """
    fixed, warped = fixed.float(), warped.float()
    difference = fixed - warped
    padded = F.pad(warped, (1,) * 6, mode="replicate")
    middle = slice(1, -1)
    derivatives = (
        (padded[:, :, middle, middle, 2:] - padded[:, :, middle, middle, :-2]) / 2.0,
        (padded[:, :, middle, 2:, middle] - padded[:, :, middle, :-2, middle]) / 2.0,
        (padded[:, :, 2:, middle, middle] - padded[:, :, :-2, middle, middle]) / 2.0,
    )
    terms = [(difference * derivative).mean(1) for derivative in derivatives]
    terms += [derivative.square().mean(1) for derivative in derivatives]
    padded_terms = F.pad(torch.stack(terms, dim=1), (1,) * 6, mode="replicate")
    averaged = F.avg_pool3d(padded_terms, 3, stride=1)
    return averaged[:, :3], averaged[:, 3:]
