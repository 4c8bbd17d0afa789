"""Preparation for networks that see each image resized on its own, whatever lies where."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F

from ...geometry import Image, Lattice, Matrix


def stored_along(image: Image, directions: Matrix) -> Image:
    """Return the same voxels at the same places, stored along other axes.

    Nothing is interpolated: axes change their order, and some run backwards.

    Parameters
    ----------
    directions
        Shape (3, 3), unit columns, world LPS: where the axes (i, j, k) are to run, as nearly as
        the image's own axes allow.
    """
    lattice = image.lattice.oriented(directions)
    # component n of an index on the new lattice is axis `old[n]` of the image, perhaps reversed
    turn = np.round(np.linalg.solve(image.lattice.linear, lattice.linear))
    old = np.abs(turn).argmax(axis=0)
    values = image.intensities.permute([2 - int(old[2 - axis]) for axis in range(3)])
    backwards = [axis for axis in range(3) if turn[:, 2 - axis].sum() < 0]
    return Image(values.flip(backwards).contiguous(), lattice, image.name)


def resized(image: Image, shape: tuple[int, int, int]) -> Image:
    """Resize an image to a number of voxels over the same field of view.

    Parameters
    ----------
    shape
        (D, H, W), axes (k, j, i).

    Returns
    -------
    Image
        Trilinear, without smoothing, the field of view taken as full voxels: voxel t of m lies
        at (t + 1/2) n / m - 1/2 of n, which is `F.interpolate` with `align_corners=False`.
    """
    values = F.interpolate(
        image.intensities[None, None], size=shape, mode="trilinear", align_corners=False
    )[0, 0]
    lattice = image.lattice
    size = (shape[2], shape[1], shape[0])
    return Image(values, _refilled(lattice, size), image.name)


def _refilled(lattice: Lattice, size: tuple[int, int, int]) -> Lattice:
    """Return a lattice of another size over the same full voxels."""
    return lattice.centered(size, lattice.extent / size, lattice.center)


def corresponding_directions(fixed: Lattice, initial: Matrix) -> Matrix:
    """Return where a fixed lattice's axes run in the moving world, by a first transform.

    Parameters
    ----------
    initial
        Shape (4, 4), affine, fixed world to moving world, LPS mm.

    Returns
    -------
    Matrix
        Shape (3, 3), unit columns.
    """
    directions = initial[:3, :3] @ fixed.direction
    return np.asarray(directions / np.linalg.norm(directions, axis=0))
