"""Resampling between lattices that lie anywhere in the world."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .carrying import NO_WEIGHT
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
    pieces = resampled_slabs(values, source, target, world, outside, mode)
    return torch.cat(list(pieces), dim=1)


def resampled_slabs(
    values: Tensor,
    source: Lattice,
    target: Lattice,
    world: Matrix | None = None,
    outside: float | None = None,
    mode: str = "bilinear",
) -> Iterator[Tensor]:
    """Yield what `resample_array` returns a few slices at a time: [C, d, h, w]."""
    matrix = torch.from_numpy(
        source.inverse @ (np.eye(4) if world is None else world) @ target.matrix
    )
    shape = target.array_shape
    for first, depth in slabs(shape):
        part = (depth, *shape[1:])
        needed, here = needed_part(values, matrix @ slab_offset(first), part)
        yield interpolate(needed.float(), here, part, outside, mode)


def carried_slabs(
    values: NDArray[np.float32], source: Lattice, target: Lattice
) -> Iterator[NDArray[np.float32]]:
    """Yield a volume of one lattice on another, a few slices at a time; NaN beyond it.

    Parameters
    ----------
    values
        float32, axes (k, j, i), on `source`.
    source, target
        Lattices, LPS mm.
    """
    layer = torch.from_numpy(values)[None]
    for slab in resampled_slabs(layer, source, target, outside=float("nan")):
        yield slab[0].numpy()


def needed_part(
    values: Tensor, matrix: Tensor, shape: tuple[int, int, int]
) -> tuple[Tensor, Tensor]:
    """Return the part of an array that is looked at for a target, and the matrix to its voxels.

    Beyond the part's edge lies what is beyond the array's, and nothing else.
    """
    ends = np.stack(np.meshgrid(*[(0, n - 1) for n in reversed(shape)]), -1).reshape(8, 3)
    rows = matrix.numpy()
    places = ends @ rows[:3, :3].T + rows[:3, 3]
    size = np.array(values.shape[:0:-1])
    low = np.clip(np.floor(places.min(0)) - 1, 0, size - 1).astype(int)
    high = np.clip(np.ceil(places.max(0)) + 2, low + 1, size).astype(int)
    (x, y, z), (i, j, k) = low.tolist(), high.tolist()
    moved = torch.eye(4, dtype=torch.float64)
    moved[:3, 3] = torch.from_numpy(-low.astype(float))
    return values[:, z:k, y:j, x:i], moved @ matrix


def interpolate(
    values: Tensor,
    matrix: Tensor,
    shape: tuple[int, int, int],
    outside: float | None = None,
    mode: str = "bilinear",
) -> Tensor:
    """Interpolate an array at the voxels of another, as `resample_array`.

    Parameters
    ----------
    values
        float32 [C, D, H, W]; NaN where there is none, which an interpolated value is where such
        a voxel has a part in it (and not for one of no weight, as `carried`).
    matrix
        float64 [4, 4]: target voxels to source voxels, order (i, j, k).
    shape
        (d, h, w) of the target.

    Returns
    -------
    Tensor
        [C, d, h, w].
    """
    if mode == "bilinear" and not bool((known := values.isfinite()).all()):
        found = interpolate(values.where(known, 0.0), matrix, shape, outside)
        share = interpolate(known.float(), matrix, shape, None if outside is None else 1.0)
        return found.masked_fill_(share < 1 - NO_WEIGHT, float("nan"))
    along = _axis_by_axis(matrix, shape) if mode == "bilinear" else None
    if along is not None:
        return _interpolate_axis_by_axis(values, along, outside)
    grid = affine_grid(matrix, values.shape[1:], shape, values.device)
    piece = sample_grid(values[None], grid, mode)[0]
    if outside is not None and (beyond := beyond_voxels(grid, values.shape[1:])) is not None:
        piece.masked_fill_(beyond, outside)
    return piece


#: Positions along the axes, in source voxels, and the source axis (i, j, k) of each target axis.
_Along = list[tuple[int, np.ndarray]]


def _axis_by_axis(matrix: Tensor, shape: tuple[int, int, int]) -> _Along | None:
    """Return where each target axis (i, j, k) runs in the source, if all run along its axes."""
    rows = matrix.numpy()
    linear = np.abs(rows[:3, :3]) * (np.array(shape[::-1]) - 1)
    owners = np.abs(rows[:3, :3]).argmax(0)
    if sorted(owners) != [0, 1, 2]:
        return None
    linear[owners, range(3)] = 0
    if linear.max() > 1e-4:  # voxels: what single precision makes of coordinates
        return None
    return [
        (int(s), rows[s, 3] + rows[s, t] * np.arange(n))
        for t, (s, n) in enumerate(zip(owners, reversed(shape), strict=True))
    ]


def _interpolate_axis_by_axis(values: Tensor, along: _Along, outside: float | None) -> Tensor:
    """Interpolate linearly along one axis after the other: three small matrix products."""
    sizes = values.shape[:0:-1]
    # the target's slowest axis first: of a slab it leaves the least to be done
    for source, at in reversed(along):
        weights = _gaussian(at, sizes[source], 0.0).to(values)
        values = _along(weights, values, 3 - source)
    values = values.permute(0, *(3 - along[t][0] for t in (2, 1, 0))).contiguous()
    if outside is not None:
        for target, (source, at) in enumerate(along):
            # half a voxel beyond the outermost centres, as `beyond_voxels`
            beyond = (at < -0.5 - 1e-4) | (at >= sizes[source] - 0.5 - 1e-4)
            if beyond.any():
                values.movedim(3 - target, 0)[torch.from_numpy(beyond)] = outside
    return values


def resample_image(
    image: Image,
    target: Lattice,
    world: Matrix | None = None,
    antialias: bool = True,
) -> Image:
    """Resample an image onto a lattice, smoothing first where the target is coarser.

    Parameters
    ----------
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


def gaussian_smooth(values: Tensor, sigma: np.ndarray, finer: int = 1) -> Tensor:
    """Smooth an array with a separable Gaussian, repeating its border.

    Parameters
    ----------
    values
        [C, D, H, W], axes (k, j, i).
    sigma
        Shape (3,), standard deviations along (i, j, k), in voxels; below 0.1 nothing is smoothed.
    finer
        So many voxels along each axis take the place of one, interpolated linearly in between.
    """
    for axis, width in zip((3, 2, 1), sigma, strict=True):
        if width >= 0.1 or finer > 1:
            weights = _gaussian_everywhere(values.shape[axis], finer, float(width))
            values = _along(torch.from_numpy(weights).to(values), values, axis)
    return values.contiguous()


@lru_cache(maxsize=64)
def _gaussian_everywhere(count: int, finer: int, width: float) -> np.ndarray:
    """Return the weights at each of `finer` voxels in place of each of `count`."""
    at = (np.arange(finer * count) - (finer - 1) / 2) / finer
    return _gaussian(at, count, width).numpy()


def shrink_image(image: Image, spacing: float) -> Image:
    """Return an image on a coarser lattice with the same axes; what is as coarse stays as it is.

    Parameters
    ----------
    spacing
        Of the result, mm; an axis whose spacing is wider keeps its own.

    Notes
    -----
    As `resample_image`, but smoothed only where the result has voxels: what a voxel gets is a
    weighted sum along each axis, and so three matrix products do it all.
    """
    lattice = image.lattice.resampled(np.maximum(image.lattice.spacing, spacing))
    values = image.intensities[None]
    # the axis that loses most first, where the most is to be done
    for axis in (1, 2, 3):
        own, n = 3 - axis, image.lattice.size[3 - axis]
        step = lattice.spacing[own] / image.lattice.spacing[own]
        width = np.sqrt(max(step**2 - 1, 0) / (8 * np.log(2)))
        middle = (n - 1) / 2
        at = middle + (np.arange(lattice.size[own]) - (lattice.size[own] - 1) / 2) * step
        values = _along(_gaussian(at, n, float(width)), values, axis)
    return Image(values[0].contiguous(), lattice, image.name)


def _gaussian(at: np.ndarray, count: int, width: float) -> Tensor:
    """Return the weights of `count` samples in Gaussian means at some places, border repeated.

    Parameters
    ----------
    at
        Shape (m,), in samples.
    width
        Standard deviation in samples; below 0.1 the weights are those of linear interpolation.

    Returns
    -------
    Tensor
        float32 [m, n], every row adds up to 1.
    """
    at = np.clip(at, 0, count - 1)
    below = np.floor(at).astype(int)
    radius = int(np.ceil(3 * width)) if width >= 0.1 else 0
    weights = np.zeros((len(at), count))
    rows = np.arange(len(at))
    # linear interpolation between the Gaussian means at the samples on either side
    for side, share in ((0, 1 - (at - below)), (1, at - below)):
        offsets = np.arange(-radius, radius + 1)
        kernel = np.exp(-(offsets**2) / (2 * max(width, 1e-6) ** 2))
        for offset, weight in zip(offsets, kernel / kernel.sum(), strict=True):
            samples = np.clip(below + side + offset, 0, count - 1)
            np.add.at(weights, (rows, samples), share * weight)
    return torch.from_numpy(weights.astype(np.float32))


def _along(weights: Tensor, values: Tensor, axis: int) -> Tensor:
    """Multiply [m, n] with [C, D, H, W] along its axis 1, 2 or 3 of length n."""
    if axis == 3:
        return values @ weights.T
    if axis == 2:
        return weights @ values
    return (weights @ values.flatten(2)).unflatten(2, values.shape[2:])
