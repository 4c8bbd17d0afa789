"""Arithmetic on displacement fields in voxels, and the comparison of features along them.

A displacement has shape [B, 3, D, H, W]; its components (i, j, k) run along W, H and D, in voxels
of the lattice it is given on.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from TTAUncertaintyLib.geometry import identity_map, sample_grid


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
    volume, displacement = volume.float(), displacement.float()
    learning = torch.is_grad_enabled() and (volume.requires_grad or displacement.requires_grad)
    many = volume.shape[1] >= _MANY_CHANNELS
    if many and volume.device.type == "cpu" and not learning:
        return _sample_many_channels(volume, displacement)
    grid = displacement.movedim(1, -1) * displacement.new_tensor(
        [2.0 / max(n - 1, 1) for n in reversed(volume.shape[2:])]
    )
    for component, along in enumerate(_axes(volume.shape[2:], displacement.device)):
        grid[..., component] += 2.0 * along / max(along.numel() - 1, 1) - 1.0
    with torch.autocast(volume.device.type, enabled=False):
        return sample_grid(volume, grid)


#: From so many channels on, looking rows up in a table is the faster way to sample on a CPU.
_MANY_CHANNELS = 8


def _sample_many_channels(volume: Tensor, displacement: Tensor) -> Tensor:
    """Sample as `sample_displaced`, all channels of a voxel at once; laid out channels last.

    Torch's `grid_sample` goes through the channels one by one. The weighted sum of the eight
    voxels around a point is also what `embedding_bag` computes, on rows of channels, ten times
    faster.
    """
    batch, channels, *shape = volume.shape
    rows = volume.movedim(1, -1).reshape(-1, channels)
    strides = (1, shape[2], shape[1] * shape[2])
    places = displacement[:, 0].shape
    first = torch.arange(batch, dtype=torch.int32).mul_(shape[0] * strides[2]).view(-1, 1, 1, 1)
    weights, corners = torch.ones((8, *places)), torch.zeros(8, dtype=torch.int32)
    for axis, along in enumerate(_axes(shape, volume.device)):
        last = along.numel() - 1
        at = (displacement[:, axis] + along).clamp_(0, last)
        below = at.floor().clamp_(max=max(last - 1, 0))
        near, far = slice(1 << axis), slice(1 << axis, 2 << axis)
        torch.mul(weights[near], at.sub_(below), out=weights[far])
        weights[near] -= weights[far]
        corners[far] = corners[near] + strides[axis] * min(last, 1)  # one voxel has no neighbour
        first = first + below.int().mul_(strides[axis])
    sampled = F.embedding_bag(
        first.flatten()[:, None] + corners,
        rows,
        mode="sum",
        per_sample_weights=weights.flatten(1).t().contiguous(),
    )
    return sampled.view(*places, channels).movedim(-1, 1)


def _axes(shape: Sequence[int], device: torch.device) -> list[Tensor]:
    """Return the voxel indices along i, j and k, each to be broadcast over [D, H, W]."""
    views = ((1, 1, -1), (1, -1, 1), (-1, 1, 1))
    return [
        torch.arange(n, dtype=torch.float32, device=device).view(view)
        for n, view in zip(reversed(shape), views, strict=True)
    ]


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


def sample_within(volume: Tensor, displacement: Tensor, align_corners: bool = True) -> Tensor:
    """Sample as `sample_displaced`, but zero beyond the border, as many publishers' code does.

    Parameters
    ----------
    volume, displacement
        As there.
    align_corners
        False for code that divides voxels by N - 1 and samples with `align_corners=False`.
    """
    scale = torch.tensor([2.0 / max(n - 1, 1) for n in displacement.shape[:1:-1]]).to(displacement)
    place = identity_grid(displacement.shape[2:], displacement) + displacement
    with torch.autocast(volume.device.type, enabled=False):
        return F.grid_sample(
            volume.float(), place.movedim(1, -1) * scale - 1.0, align_corners=align_corners
        )


def exponentiate_within(velocity: Tensor, steps: int, align_corners: bool = True) -> Tensor:
    """Integrate as `exponentiate`, but beyond the outermost voxels nothing moves."""
    displacement = velocity / 2**steps
    for _ in range(steps):
        displacement = displacement + sample_within(displacement, displacement, align_corners)
    return displacement


def upsample_displacement(displacement: Tensor) -> Tensor:
    """Carry a displacement in voxels to the lattice of half the spacing."""
    return 2.0 * F.interpolate(
        displacement, scale_factor=2.0, mode="trilinear", align_corners=False
    )


def unit_features(features: Tensor) -> Tensor:
    """Scale the feature vector of every voxel, shape [B, C, D, H, W], to length 1, in float32."""
    return F.normalize(features.float(), dim=1, eps=1e-3)


def local_correlation(fixed: Tensor, moving: Tensor) -> Tensor:
    """Correlate every fixed feature with its 27 nearest moving features.

    Parameters
    ----------
    fixed, moving
        Shape [B, C, D, H, W], from `unit_features`; a single fixed image serves a batch.

    Returns
    -------
    Tensor
        Shape [B, 27, D, H, W]: cosines, ordered by the neighbour's offset along D, H, W.
    """
    depth, height = fixed.shape[2:4]
    rows = fixed.movedim(1, -1)
    around = F.pad(moving, (1,) * 6, mode="replicate").movedim(1, -2)
    cosines = []
    for k in range(3):
        for j in range(3):
            # every voxel of a row with every one of a neighbouring row: a small matrix product,
            # of which three diagonals are wanted, is faster than three sums over channels
            products = rows @ around[:, k : k + depth, j : j + height]
            cosines += [products.diagonal(i, -2, -1) for i in range(3)]
    return torch.stack(cosines, dim=1)


def pad_by_repeating(values: Tensor) -> Tensor:
    """Repeat the outermost voxels of [B, C, D, H, W] once on every side; float32, contiguous."""
    batch, channels = values.shape[:2]
    if values.is_contiguous(memory_format=torch.channels_last_3d) and not values.requires_grad:
        # a matrix is transposed faster than a volume
        rows = values.float().movedim(1, -1).reshape(batch, -1, channels)
        values = torch.stack([image.t().contiguous() for image in rows]).view(values.shape)
    return F.pad(values.float().contiguous(), (1,) * 6, mode="replicate")


def slopes_of(image: Tensor) -> Tensor:
    """Return the central differences of [B, 1, D, H, W] along (i, j, k), [B, 3, D, H, W]."""
    padded, inside = pad_by_repeating(image), slice(1, -1)
    along = []
    for axis in (4, 3, 2):
        at = [slice(None), slice(None), inside, inside, inside]
        at[axis] = slice(2, None)
        ahead = padded[tuple(at)]
        at[axis] = slice(None, -2)
        along.append((ahead - padded[tuple(at)]) / 2)
    return torch.cat(along, 1)


def alignment_force(fixed: Tensor, warped: Tensor) -> tuple[Tensor, Tensor]:
    """Compute which way, and how firmly, the features ask the moving image to be shifted.

    With the features' derivatives d_a M along the axes a = (i, j, k), both terms of the
    Gauss-Newton step on |F - M|^2 (Lucas and Kanade, IJCAI 1981; Thirion's demons, 1998), averaged
    over 27 neighbours:

        force_a = (F - M) . d_a M        stiffness_a = |d_a M|^2

    Parameters
    ----------
    fixed, warped
        Shape [B, C, D + 2, H + 2, W + 2], from `pad_by_repeating`; a single fixed image serves a
        batch.

    Returns
    -------
    force, stiffness
        Float32, shape [B, 3, D, H, W].

    Notes
    -----
    In a padded array a neighbour is a fixed distance away in memory. So everything here works on
    the voxels in a row, which is what a processor is fastest at, and on few enough of them to
    stay near it.
    """
    depth, height, width = (n - 2 for n in warped.shape[2:])
    thickness = max(4, 2 * _CACHED_VOXELS // (height * width))
    slabs = [
        _force_of_slab(fixed, warped, first, min(first + thickness, depth))
        for first in range(0, depth, thickness)
    ]
    averaged = torch.cat(slabs, dim=2)
    return averaged[:, :3], averaged[:, 3:]


#: So many values are worked on at a time that they stay near the processor.
_CACHED_VOXELS = 50_000


def _force_of_slab(fixed: Tensor, warped: Tensor, first: int, last: int) -> Tensor:
    """Return force and stiffness, [B, 6, last - first, H, W], of slices `first` to before `last`.

    What the arithmetic on rows makes of the padding is replaced or left out.
    """
    deepest = warped.shape[2]
    # two slices more on either side: one for the derivative, one for the average
    begin, end = max(first - 1, 0), min(last + 3, deepest)
    moving, still = warped[:, :, begin:end].flatten(2), fixed[:, :, begin:end].flatten(2)
    batch, channels, _, height, width = warped.shape
    steps = (1, width, width * height)
    terms = moving.new_zeros((batch, 6, moving.shape[2]))
    together = 1 + _CACHED_VOXELS // moving.shape[2]
    for some, same in zip(moving.split(together, 1), still.split(together, 1), strict=True):
        difference = same - some
        for axis, step in enumerate(steps):
            slope = some[..., 2 * step :] - some[..., : -2 * step]
            here, there = slice(step, -step), difference[..., step:-step]
            _add_products(terms[:, axis, here], there, slope, 1 / (2 * 27 * channels))
            _add_products(terms[:, 3 + axis, here], slope, slope, 1 / (4 * 27 * channels))
    padded = terms.view(batch, 6, -1, height, width)
    borders = [(3, 0, 1), (3, -1, -2), (4, 0, 1), (4, -1, -2)]
    borders += [(2, 0, 1)] * (begin == 0) + [(2, -1, -2)] * (end == deepest)
    for axis, outside, inside in borders:
        padded.select(axis, outside).copy_(padded.select(axis, inside))
    sums = padded[:, :, first - begin : last + 2 - begin].flatten(2)
    for step in steps:
        sums = (sums[..., 2 * step :] + sums[..., step:-step]).add_(sums[..., : -2 * step])
    # the sums begin at the first voxel inside the padding
    shape = (batch, 6, last - first, height - 2, width - 2)
    return sums.as_strided(shape, (6 * sums.shape[2], sums.shape[2], steps[2], width, 1))


def _add_products(result: Tensor, first: Tensor, second: Tensor, factor: float) -> None:
    """Add to [B, N] the products of two [B, C, N], summed over C and scaled."""
    if first.shape[1] == 1:
        result.addcmul_(first[:, 0], second[:, 0], value=factor)
    else:
        result.add_((first * second).sum(1), alpha=factor)
