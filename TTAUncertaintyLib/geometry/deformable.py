"""A deformable transform: what a registration result is in the end.

    phi(y) = initial( y + u(y) )

y is a point of the fixed world, u a displacement field on a lattice of the fixed world,
interpolated linearly and zero outside it, as in ITK; `initial` is affine. Far outside the
network's field of view the transform is therefore the initial alignment alone, and `faded` sees
to it that the way there has no tear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from torch import Tensor

from .image import Image
from .lattice import Lattice, Matrix
from .linear import itk_transform
from .resample import interpolate, slab_offset, slabs
from .sampling import affine_grid, affine_map, beyond_voxels, identity_map, sample, sample_grid


@dataclass(frozen=True, eq=False)
class DeformableTransform:
    """A displacement field followed by an affine map, fixed world to moving world.

    Parameters
    ----------
    displacement
        float32 [3, D, H, W] on `lattice`, axes (k, j, i), components (x, y, z), LPS mm.
    lattice
        In the fixed world.
    initial
        Shape (4, 4), affine, LPS mm; applied after the displacement.
    """

    displacement: Tensor
    lattice: Lattice
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
        matrix = self.lattice.matrix.copy()
        matrix[:3, 3] = self.lattice.to_world([-voxels] * 3)
        i, j, k = (n + 2 * voxels for n in self.lattice.size)
        return DeformableTransform(padded, Lattice((i, j, k), matrix), self.initial)

    def warp(self, moving: Image, target: Lattice) -> Image:
        """Resample a moving image onto a lattice of the fixed world.

        Parameters
        ----------
        moving
            The image, at its full resolution.
        target
            Where to sample, usually the fixed image's lattice.

        Returns
        -------
        Image
            Trilinear; the moving image's darkest value where it has no voxels.
        """
        values = moving.intensities[None, None]
        shape = target.array_shape
        # y -> initial(y) in the moving image's normalised coordinates, and u in the same ones
        to_voxel = moving.lattice.inverse @ self.initial
        undisplaced = torch.from_numpy(to_voxel @ target.matrix)
        displacement = affine_map(torch.from_numpy(_linear(to_voxel)), self.displacement)
        half = torch.tensor([max(n - 1, 1) / 2 for n in moving.lattice.size])
        displacement /= half.view(3, 1, 1, 1)
        to_lattice = torch.from_numpy(self.lattice.inverse @ target.matrix)
        result = torch.empty(shape)
        for first, depth in slabs(shape):
            part = (depth, *shape[1:])
            here = to_lattice @ slab_offset(first)
            offset = interpolate(displacement, here, part, outside=0.0)
            grid = affine_grid(undisplaced @ slab_offset(first), values.shape[2:], part)
            grid += offset.movedim(0, -1)
            piece = sample_grid(values, grid)[0, 0]
            if (beyond := beyond_voxels(grid, values.shape[2:])) is not None:
                piece.masked_fill_(beyond, moving.background)
            result[first : first + depth] = piece
        return Image(result, target, f"{moving.name} (warped)")

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
