"""Images that no network can do anything with, refused before one sees them."""

from __future__ import annotations

from torch import Tensor

from ...errors import InputError
from ...geometry import Image

#: Fewest voxels along an axis: below, an image is a slab and not a volume.
LEAST_VOXELS = 4

#: Smallest range of intensities, relative to the largest of them, that is more than rounding.
_LEAST_CONTRAST = 1e-6


def refuse_unusable(image: Image) -> None:
    """Refuse an image that is no volume, or has nothing in it.

    Raises
    ------
    InputError
        If it has fewer than `LEAST_VOXELS` voxels along an axis, or one intensity throughout.
    """
    if min(image.lattice.size) < LEAST_VOXELS:
        size = " x ".join(map(str, image.lattice.size))
        raise InputError(
            f"{image.name} has {size} voxels: a slab, not a volume.",
            f"Give an image with at least {LEAST_VOXELS} voxels along each axis.",
        )
    if not has_contrast(image.intensities):
        raise InputError(
            f"{image.name} has the same intensity throughout.",
            "Check that it is the right image.",
        )


def has_contrast(values: Tensor) -> bool:
    """Tell whether intensities differ by more than rounding."""
    low, high = float(values.min()), float(values.max())
    return high - low > _LEAST_CONTRAST * max(abs(low), abs(high))
