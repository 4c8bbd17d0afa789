"""Interpolation on lattices, in voxel coordinates, on any device.

Maps and displacements are tensors [B, 3, D, H, W] (or [3, D, H, W] where said): axes (k, j, i),
components (i, j, k), in voxels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def identity_map(
    shape: tuple[int, int, int] | torch.Size, device: torch.device | str = "cpu"
) -> Tensor:
    """Return the map that sends every voxel to itself.

    Parameters
    ----------
    shape
        (D, H, W), axes (k, j, i).

    Returns
    -------
    Tensor
        float32, [3, D, H, W], components (i, j, k), voxels.
    """
    axes = [torch.arange(n, dtype=torch.float32, device=device) for n in shape]
    k, j, i = torch.meshgrid(*axes, indexing="ij")
    return torch.stack((i, j, k))


def sample(values: Tensor, at: Tensor, padding: str = "border", mode: str = "bilinear") -> Tensor:
    """Interpolate an array at continuous voxel positions.

    Parameters
    ----------
    values
        [B, C, D, H, W].
    at
        [B, 3, d, h, w], components (i, j, k): voxel positions in `values`.
    padding
        Beyond the outermost voxel centres: "border" repeats them, "zeros" fades to zero within
        one voxel.
    mode
        "bilinear" (that is trilinear here) or "nearest".

    Returns
    -------
    Tensor
        [B, C, d, h, w], of the dtype of `values`.
    """
    half = torch.tensor(
        [max(n - 1, 1) / 2 for n in reversed(values.shape[2:])], device=at.device, dtype=at.dtype
    )
    grid = at.movedim(1, -1) / half - 1
    return F.grid_sample(
        values.to(at.dtype), grid, mode=mode, padding_mode=padding, align_corners=True
    ).to(values.dtype)


def affine_map(matrix: Tensor, points: Tensor) -> Tensor:
    """Apply an affine map to the vectors of a field.

    Parameters
    ----------
    matrix
        [3, 4] or [4, 4], in the units of `points`.
    points
        [B, 3, ...] or [3, ...] with the components in axis -4 for volumes.

    Notes
    -----
    Written as sums of scaled components and not as a matrix product, so that reduced-precision
    matrix units (TF32) never touch coordinates.
    """
    m = matrix.tolist()
    x, y, z = points.unbind(-4)
    rows = [
        torch.mul(x, m[row][0]).add_(y, alpha=m[row][1]).add_(z, alpha=m[row][2]).add_(m[row][3])
        for row in range(3)
    ]
    return torch.stack(rows, dim=-4)
