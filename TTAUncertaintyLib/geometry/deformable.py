"""A deformable transform: what a registration result is in the end.

    phi(y) = initial( y + u(y) )

y is a point of the fixed world, u a displacement field on a lattice of the fixed world,
interpolated linearly and zero outside it, as in ITK; `initial` is affine. Far outside the
network's field of view the transform is therefore the initial alignment alone, and `faded` sees
to it that the way there has no tear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .image import Image
from .lattice import Lattice, Matrix
from .linear import itk_transform, with_affine, without_affine
from .resample import interpolate, needed_part, slab_offset, slabs
from .sampling import affine_grid, affine_map, beyond_voxels, identity_map, sample, sample_grid


@dataclass(frozen=True, eq=False)
class DeformableTransform:
    """A displacement field followed by an affine map, fixed world to moving world."""

    #: float32 [3, D, H, W] on `lattice`, axes (k, j, i), components (x, y, z), LPS mm.
    displacement: Tensor
    #: In the fixed world.
    lattice: Lattice
    #: Shape (4, 4), affine, LPS mm; applied after the displacement.
    initial: Matrix

    @classmethod
    def from_map(
        cls, voxel_map: Tensor, moving: Lattice, fixed: Lattice, initial: Matrix
    ) -> DeformableTransform:
        """Turn a network's map into a transform.

        Parameters
        ----------
        voxel_map
            [3, D, H, W] on the fixed lattice: voxels of the moving lattice, order (i, j, k).
        moving, fixed
            The network's lattices, LPS mm.
        initial
            Shape (4, 4): the affine part to be split off.
        """
        # the small numbers first: voxel offsets from the rest position, then mm
        rest = moving.inverse @ initial @ fixed.matrix
        offset = voxel_map - affine_map(torch.from_numpy(rest), identity_map(voxel_map.shape[1:]))
        to_mm = torch.from_numpy(_linear(np.linalg.inv(initial) @ moving.matrix))
        return cls(affine_map(to_mm, offset), fixed, initial)

    def with_offset(self, offset_mm: Tensor) -> DeformableTransform:
        """Return the transform whose end points are moved by an offset.

        Parameters
        ----------
        offset_mm
            [3, D, H, W] on the same lattice, mm in the moving world.
        """
        back = torch.from_numpy(np.linalg.inv(_linear(self.initial)))
        moved = self.displacement + affine_map(back, offset_mm)
        return DeformableTransform(moved, self.lattice, self.initial)

    def faded(self, voxels: int) -> DeformableTransform:
        """Return the transform on a lattice grown on all sides, where the displacement fades out.

        Parameters
        ----------
        voxels
            Width of the margin, at least 1: the border's displacement falls to zero across it
            along half a cosine.
        """
        padded = F.pad(self.displacement[None], (voxels,) * 6, mode="replicate")[0]
        ramp = (1 + torch.cos(torch.arange(1, voxels + 1) * (torch.pi / voxels))) / 2
        for axis in (1, 2, 3):
            n = padded.shape[axis]
            weight = torch.cat((ramp.flip(0), torch.ones(n - 2 * voxels), ramp))
            padded = padded * weight.view([-1 if a == axis else 1 for a in range(4)])
        return DeformableTransform(padded, self.lattice.padded(voxels), self.initial)

    def warp(self, moving: Image, target: Lattice) -> Image:
        """Resample a moving image onto a lattice of the fixed world; see `Warping`."""
        return Warping(self, moving).onto(target)

    @classmethod
    def from_vectors(
        cls, vectors: NDArray[np.floating], lattice: Lattice, initial: Matrix
    ) -> DeformableTransform:
        """Return the transform of which `vectors` gives these, to rounding."""
        displacement = np.moveaxis(without_affine(vectors, lattice, initial), -1, 0)
        values = np.ascontiguousarray(displacement, np.float32)
        return cls(torch.from_numpy(values), lattice, initial)

    def vectors(self) -> NDArray[np.float64]:
        """Return phi(y) - y at the voxels of the lattice, the affine part in it.

        Returns
        -------
        ndarray
            Axes (k, j, i, component), components (x, y, z), LPS mm.
        """
        return with_affine(self.displacement.movedim(0, -1).numpy(), self.lattice, self.initial)

    def to_itk(self) -> sitk.CompositeTransform:
        """Return the transform as ITK applies it: point by point the same map.

        Raises
        ------
        ValueError
            If the lattice is sheared, which ITK cannot represent.
        """
        vectors = np.ascontiguousarray(self.displacement.double().movedim(0, -1).numpy())
        field = self.lattice.stamp(sitk.GetImageFromArray(vectors, isVector=True))
        return sitk.CompositeTransform(
            [itk_transform(self.initial), sitk.DisplacementFieldTransform(field)]
        )


class Warping:
    """A moving image as a transform brings it to the fixed world: on whatever lattice is asked for.

    Trilinear; the moving image's darkest value where it has no voxels.

    Parameters
    ----------
    transform
        Fixed world to moving world.
    moving
        The image, at its full resolution.
    """

    def __init__(self, transform: DeformableTransform, moving: Image) -> None:
        self._transform = transform
        self._moving = moving
        # y -> initial(y) in the moving image's normalised coordinates, and u in the same ones
        self._to_voxel = moving.lattice.inverse @ transform.initial
        half = torch.tensor([max(n - 1, 1) / 2 for n in moving.lattice.size])
        to_voxel = torch.from_numpy(_linear(self._to_voxel))
        self._displacement = affine_map(to_voxel, transform.displacement)
        self._displacement /= half.view(3, 1, 1, 1)

    def slabs(self, target: Lattice) -> Iterator[Tensor]:
        """Yield the image on a lattice of the fixed world, a few slices at a time, [d, H, W]."""
        moving = self._moving
        values, shape = moving.intensities[None, None], target.array_shape
        undisplaced = torch.from_numpy(self._to_voxel @ target.matrix)
        to_lattice = torch.from_numpy(self._transform.lattice.inverse @ target.matrix)
        for first, depth in slabs(shape):
            part = (depth, *shape[1:])
            here = to_lattice @ slab_offset(first)
            needed, here = needed_part(self._displacement, here, part)
            offset = interpolate(needed, here, part, outside=0.0)
            grid = affine_grid(undisplaced @ slab_offset(first), values.shape[2:], part)
            grid += offset.movedim(0, -1)
            piece = sample_grid(values, grid)[0, 0]
            if (beyond := beyond_voxels(grid, values.shape[2:])) is not None:
                piece.masked_fill_(beyond, moving.background)
            yield piece

    def onto(self, target: Lattice) -> Image:
        """Return the image on a lattice of the fixed world, usually the fixed image's."""
        values = torch.cat(list(self.slabs(target)))
        return Image(values, target, f"{self._moving.name} (warped)")


def points_on(transform: DeformableTransform, lattice: Lattice) -> Tensor:
    """Return where a transform sends every voxel of a lattice.

    Parameters
    ----------
    transform
        Fixed world to moving world.
    lattice
        In the fixed world; any affine one.

    Returns
    -------
    Tensor
        float32 [3, D, H, W], components (x, y, z), LPS mm in the moving world.
    """
    voxels = identity_map(lattice.array_shape)
    at = affine_map(torch.from_numpy(transform.lattice.inverse @ lattice.matrix), voxels)
    displacement = sample(transform.displacement[None], at[None], padding="zeros")[0]
    world = affine_map(torch.tensor(lattice.matrix), voxels) + displacement
    return affine_map(torch.from_numpy(transform.initial), world)


def _linear(matrix: Matrix) -> Matrix:
    """Return a 4x4 matrix without its translation: what it does to differences."""
    result = matrix.copy()
    result[:3, 3] = 0
    return result
