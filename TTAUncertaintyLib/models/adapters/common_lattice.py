"""Preparation for networks that see both images on one lattice in one anatomical orientation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InputError
from ...geometry import Image, Lattice, Matrix, resample_image, without_outliers
from ..contract import PreparedPair
from .usable_images import has_contrast, refuse_unusable

#: Columns: the world directions (LPS) of axes i, j, k for arrays that run right, anterior,
#: superior.
RAS_AXES = np.diag([-1.0, -1.0, 1.0])


def prepare_on_common_lattice(
    fixed: Image, moving: Image, initial: Matrix, lattice: Lattice, brightest: float = 0.999
) -> PreparedPair:
    """Resample both images onto one lattice of the fixed world and normalise them.

    Parameters
    ----------
    initial
        Shape (4, 4), affine, fixed world to moving world, LPS mm.
    lattice
        In the fixed world.
    brightest
        Share of the voxels that are not brighter than what becomes 1.

    Returns
    -------
    PreparedPair
        The moving lattice is `lattice` seen through `initial`. Intensities in [0, 1].

    Raises
    ------
    InputError
        If an image is no volume, has one intensity throughout, or nothing but its background
        falls onto the lattice.
    """
    refuse_unusable(fixed)
    refuse_unusable(moving)
    return PreparedPair(
        moving=_normalised(resample_image(moving, lattice, initial), brightest),
        fixed=_normalised(resample_image(fixed, lattice), brightest),
        moving_lattice=lattice.transformed(initial),
        fixed_lattice=lattice,
    )


def _normalised(image: Image, brightest: float) -> Tensor:
    """Map the range from the darkest value to a quantile onto [0, 1]."""
    values = image.intensities
    low = float(values.min())
    high = float(np.quantile(values.numpy(), brightest))
    if not (high > low and has_contrast(values)):
        raise InputError(
            f"{image.name} has no contrast where the network looks.",
            "Check that the images overlap; try --start mass.",
        )
    return ((values - low) / (high - low)).clamp_(0, 1)[None, None].contiguous()


def anatomical_lattice(fixed: Image, spacing_mm: float, multiple: int, minimum: int) -> Lattice:
    """Return a lattice over a fixed image's whole field of view, its axes sorted towards RAS.

    Parameters
    ----------
    spacing_mm
        Isotropic spacing.
    minimum
        Fewest voxels of field of view along any axis that the network can work with.

    Raises
    ------
    InputError
        If the field of view is too small for the network.
    """
    voxels = fixed.lattice.extent / spacing_mm
    if voxels.min() < minimum:
        raise InputError(
            f"{fixed.name} spans {' x '.join(f'{e:.0f}' for e in fixed.lattice.extent)} mm; the "
            f"network needs at least {minimum * spacing_mm:.0f} mm along each axis.",
            "Use a larger field of view.",
        )
    return fixed.lattice.oriented(RAS_AXES).resampled(spacing_mm, multiple)


def foreground_center(image: Image) -> Matrix:
    """Return the middle of the box of voxels around what is brighter than the background, LPS mm.

    The background ends at a tenth of the range between the darkest value and the 99th percentile.
    """
    bright = torch.from_numpy(_foreground(image))
    middle = []
    for axis in (2, 1, 0):
        others = tuple(a for a in range(3) if a != axis)
        inside = torch.nonzero(bright.float().amax(dim=others)).flatten()
        middle.append(float(inside[0] + inside[-1]) / 2)
    return image.lattice.to_world(middle)


def foreground_extent(image: Image, axes: Matrix) -> Matrix:
    """Return how far what is brighter than the background reaches along some axes.

    Parameters
    ----------
    image
        The image; its background as for `foreground_center`.
    axes
        Shape (3, 3), orthonormal columns, LPS.

    Returns
    -------
    Matrix
        Shape (2, 3): lowest and highest position of a voxel centre along each axis, mm.
    """
    bright = _foreground(image)
    # along a row of voxels, positions are extreme at the row's ends
    k, j = np.nonzero(bright.any(-1))
    rows = bright[k, j]
    ends = (rows.argmax(-1), rows.shape[-1] - 1 - rows[:, ::-1].argmax(-1))
    indices = np.concatenate([np.stack((i, j, k), -1) for i in ends])
    along = image.lattice.to_world(indices) @ axes
    return np.stack((along.min(0), along.max(0)))


def _foreground(image: Image) -> NDArray[np.bool_]:
    values = without_outliers(image.intensities.numpy())
    low = float(values.min())
    high = float(np.quantile(values, 0.99))
    return np.asarray(values > low + 0.1 * (high - low))
