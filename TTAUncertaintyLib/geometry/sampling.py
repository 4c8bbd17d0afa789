"""Interpolation on lattices, in voxel coordinates, on any device.

Maps and displacements are tensors [B, 3, D, H, W] (or [3, D, H, W] where said): axes (k, j, i),
components (i, j, k), in voxels.
"""

from __future__ import annotations

from collections.abc import Sequence

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


#: Fewer points than this are not worth sharing out among threads.
_FEW_POINTS = 10_000


def sample_grid(
    values: Tensor, grid: Tensor, mode: str = "bilinear", padding: str = "border"
) -> Tensor:
    """Interpolate an array at normalised positions: `grid_sample` on all threads.

    Torch's kernel for volumes gives each image of a batch to one thread of the CPU. So a single
    image is handed to it several times, without a copy, each with its share of the points.

    Parameters
    ----------
    values
        [B, C, D, H, W], floating point.
    grid
        [B, d, h, w, 3], normalised with `align_corners=True`, components (i, j, k).
    mode, padding
        As for `sample`.

    Returns
    -------
    Tensor
        [B, C, d, h, w].
    """

    def kernel(image: Tensor, at: Tensor) -> Tensor:
        return F.grid_sample(image, at, mode=mode, padding_mode=padding, align_corners=True)

    shape = grid.shape[1:4]
    count, threads = shape.numel(), torch.get_num_threads()
    if values.device.type != "cpu" or len(grid) != 1 or threads == 1 or count < _FEW_POINTS:
        return kernel(values, grid)
    points = grid.reshape(1, 1, 1, count, 3)
    share = count // threads
    first, left = points.split((share * threads, count - share * threads), dim=3)
    shares = kernel(values.expand(threads, -1, -1, -1, -1), first.reshape(threads, 1, 1, share, 3))
    result = shares.flatten(2).transpose(0, 1).reshape(1, -1, share * threads)
    if left.numel():
        result = torch.cat((result, kernel(values, left).flatten(2)), dim=2)
    return result.view(1, -1, *shape)


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
    return sample_grid(values.to(at.dtype), grid, mode, padding).to(values.dtype)


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


def affine_grid(
    matrix: Tensor,
    source: tuple[int, int, int] | torch.Size,
    target: tuple[int, int, int] | torch.Size,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return where an affine map sends every voxel of a target array, for `grid_sample`.

    Parameters
    ----------
    matrix
        float64 [4, 4] on the CPU: target voxels to source voxels, order (i, j, k).
    source, target
        (D, H, W) of the arrays.

    Returns
    -------
    Tensor
        float32 [1, D, H, W, 3], normalised with `align_corners=True`, components (i, j, k).
    """
    wide = tuple(max(n, 2) for n in target)  # a single voxel has no extent to normalise by
    theta = torch.linalg.inv(_to_voxel(source)) @ matrix @ _to_voxel(wide)
    grid = F.affine_grid(
        theta[None, :3].to(device, torch.float32), [1, 1, *wide], align_corners=True
    )
    return grid[:, : target[0], : target[1], : target[2]]


def _to_voxel(shape: Sequence[int]) -> Tensor:
    """Return the matrix from normalised [-1, 1] coordinates to voxels, float64 [4, 4]."""
    half = torch.tensor([(n - 1) / 2 for n in reversed(shape)], dtype=torch.float64)
    matrix = torch.eye(4, dtype=torch.float64)
    matrix.diagonal()[:3] = half.clamp(min=0.5)
    matrix[:3, 3] = half
    return matrix


def beyond_voxels(grid: Tensor, source: tuple[int, int, int] | torch.Size) -> Tensor | None:
    """Tell which points of a sampling grid lie outside an array's voxels, taken as full boxes.

    Half-open, as ITK's interpolators have it: half a voxel before the first centre is inside,
    half a voxel behind the last one is not. Points within 1e-4 voxel of these planes count as
    lying on them, so that rounding does not decide over whole slices.

    Parameters
    ----------
    grid
        [1, D, H, W, 3] from `affine_grid`.
    source
        (D, H, W) of the array that is sampled.

    Returns
    -------
    Tensor or None
        bool [D, H, W]; None where every point is inside.
    """
    voxel = torch.tensor([2 / max(n - 1, 1) for n in reversed(source)], device=grid.device)
    low, high = grid.amin((0, 1, 2, 3)), grid.amax((0, 1, 2, 3))
    first, last = -1 - (0.5 + 1e-4) * voxel, 1 + (0.5 - 1e-4) * voxel
    if bool((low >= first).all()) and bool((high < last).all()):
        return None
    return ((grid < first) | (grid >= last)).any(-1)[0]
