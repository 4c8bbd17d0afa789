"""Images with known content, and what SimpleITK makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from torch import Tensor

from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, itk_transform

Array = NDArray[np.float64]


def world_grid(lattice: Lattice) -> Array:
    """Return the world positions of all voxels, shape (nk, nj, ni, 3), components (x, y, z)."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in lattice.array_shape), indexing="ij")
    return lattice.to_world(np.stack((i, j, k), -1))


def analytic_image(value: Callable[[Array], Array], lattice: Lattice, name: str = "image") -> Image:
    """Sample a function of world points (..., 3) at a lattice's voxels."""
    values = value(world_grid(lattice)).astype(np.float32)
    return Image(torch.from_numpy(values), lattice, name)


def waves(lattice: Lattice, seed: int = 0) -> Image:
    """Return a smooth image without symmetry: plane waves of at least eight voxels' length."""
    generator = np.random.default_rng(seed)
    k, j, i = np.meshgrid(*(np.arange(n) for n in lattice.array_shape), indexing="ij")
    values = np.full(lattice.array_shape, 100.0)
    for _ in range(4):
        a, b, c = generator.uniform(-1, 1, 3) * 2 * np.pi / 8 / np.sqrt(3)
        values += generator.uniform(5, 20) * np.sin(a * i + b * j + c * k + generator.uniform(0, 6))
    return Image(torch.from_numpy(values.astype(np.float32)), lattice, "waves")


def noise(lattice: Lattice, seed: int = 0) -> Image:
    """Return an image of independent values between 0 and 1: the hardest to interpolate alike."""
    values = np.random.default_rng(seed).random(lattice.array_shape, dtype=np.float32)
    return Image(torch.from_numpy(values), lattice, "noise")


def itk_resampled(image: Image, target: Lattice, world: Matrix | sitk.Transform) -> Array:
    """Resample with SimpleITK, trilinear, the darkest value outside; axes (k, j, i)."""
    transform = world if isinstance(world, sitk.Transform) else itk_transform(world)
    result = sitk.Resample(
        image.to_itk(),
        target.blank_itk_image(),
        transform,
        sitk.sitkLinear,
        image.background,
        sitk.sitkFloat32,
    )
    return np.asarray(sitk.GetArrayFromImage(result), dtype=np.float64)


def clear_of_border(voxels: Array, lattice: Lattice, width: float = 1e-3) -> NDArray[np.bool_]:
    """Tell which voxel positions (..., 3) do not lie on the edge of the field of view.

    There, half a voxel beyond the outermost centres, rounding decides between inside and outside.
    """
    size = np.array(lattice.size)
    near = (np.abs(voxels + 0.5) < width) | (np.abs(voxels - size + 0.5) < width)
    return np.asarray(~near.any(-1))


def as_field(points: Array) -> Tensor:
    """Turn points (..., 3) into a float32 field with the components first and three axes."""
    flat = points.reshape(-1, 3).T.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(flat))[:, None, None]


def as_points(field: Tensor) -> Array:
    """Turn a field [3, ...] into points (n, 3)."""
    return field.reshape(3, -1).T.double().cpu().numpy()
