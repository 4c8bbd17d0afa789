"""Resampling between lattices that lie anywhere in the world."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .image import Image
from .lattice import Lattice, Matrix
from .sampling import affine_grid, beyond_voxels, sample_grid

#: Slabs of this many voxels keep the temporary grids of a large resampling small.
_SLAB_VOXELS = 2_000_000


def slabs(shape: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """Yield (first slice, number of slices) of the slabs that a lattice of a shape is done in."""
    thickness = max(1, _SLAB_VOXELS // (shape[1] * shape[2]))
    for first in range(0, shape[0], thickness):
        yield first, min(thickness, shape[0] - first)


def slab_offset(first: int) -> Tensor:
    """Return the matrix from a slab's voxels to the whole lattice's, float64 [4, 4]."""
    offset = torch.eye(4, dtype=torch.float64)
    offset[2, 3] = first
    return offset


def resample_array(
    values: Tensor,
    source: Lattice,
    target: Lattice,
    world: Matrix | None = None,
    outside: float | None = None,
    mode: str = "bilinear",
) -> Tensor:
    """Interpolate an array of one lattice at the voxels of another.

    Parameters
    ----------
    values
        [C, D, H, W] on `source`, axes (k, j, i).
    source, target
        Lattices, world LPS mm.
    world
        Shape (4, 4), an affine map from the target's world to the source's; identity if None.
    outside
        Value beyond the source's outermost voxel centres (by up to half a voxel the border value
        is repeated); None repeats the border everywhere.
    mode
        "bilinear" (trilinear) or "nearest".

    Returns
    -------
    Tensor
        float32, [C, d, h, w] on `target`.
    """
    matrix = torch.from_numpy(
        source.inverse @ (np.eye(4) if world is None else world) @ target.matrix
    )
    values = values.float()
    shape = target.array_shape
    result = torch.empty((values.shape[0], *shape), dtype=torch.float32, device=values.device)
    for first, depth in slabs(shape):
        grid = affine_grid(
            matrix @ slab_offset(first), values.shape[1:], (depth, *shape[1:]), values.device
        )
        piece = sample_grid(values[None], grid, mode)[0]
        if outside is not None and (beyond := beyond_voxels(grid, values.shape[1:])) is not None:
            piece.masked_fill_(beyond, outside)
        result[:, first : first + depth] = piece
    return result


def resample_image(
    image: Image,
    target: Lattice,
    world: Matrix | None = None,
    antialias: bool = True,
) -> Image:
    """Resample an image onto a lattice, smoothing first where the target is coarser.

    Parameters
    ----------
    image
        The image to be sampled.
    target
        The lattice to sample at.
    world
        Shape (4, 4), affine map from the target's world to the image's; identity if None.
    antialias
        Smooth with a Gaussian whose variance, along each axis of the image, is what the step from
        its spacing to the target's asks for.

    Returns
    -------
    Image
        On `target`; the image's darkest value where it has no voxels.

    Notes
    -----
    Treating a voxel of spacing s as a Gaussian of full width at half maximum s, going from s to
    t needs sigma^2 = (t^2 - s^2) / (8 ln 2) (Cardoso et al., MICCAI 2015).
    """
    values = image.intensities[None]
    if antialias:
        step = target.linear if world is None else world[:3, :3] @ target.linear
        # how far one target step goes along each of the image's own axes, mm
        reach = np.abs(np.linalg.inv(image.lattice.direction) @ step).max(axis=1)
        excess = np.clip(reach**2 - image.lattice.spacing**2, 0, None) / (8 * np.log(2))
        values = gaussian_smooth(values, np.sqrt(excess) / image.lattice.spacing)
    array = resample_array(values, image.lattice, target, world, outside=image.background)
    return Image(array[0], target, image.name)


def gaussian_smooth(values: Tensor, sigma: np.ndarray) -> Tensor:
    """Smooth an array with a separable Gaussian, repeating its border.

    Parameters
    ----------
    values
        [C, D, H, W], axes (k, j, i).
    sigma
        Shape (3,), standard deviations along (i, j, k), in voxels; below 0.1 nothing is done.
    """
    for axis, width in zip((3, 2, 1), sigma, strict=True):
        if width < 0.1:
            continue
        radius = int(np.ceil(3 * width))
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device=values.device)
        kernel = torch.exp(-(offsets**2) / (2 * float(width) ** 2))
        kernel /= kernel.sum()
        moved = values.movedim(axis, -1)
        lines = moved.reshape(-1, 1, moved.shape[-1])
        lines = F.pad(lines, (radius, radius), mode="replicate")
        smooth = F.conv1d(lines, kernel.view(1, 1, -1)).reshape(moved.shape)
        values = smooth.movedim(-1, axis)
    return values.contiguous()
