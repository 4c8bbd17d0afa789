"""An image: intensities and the lattice they lie on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import SimpleITK as sitk

from .lattice import Lattice

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Image:
    """A scalar volume in memory."""

    #: float32 tensor on the CPU, shape (nk, nj, ni), axes (k, j, i).
    intensities: Tensor
    #: Where its voxels lie, world LPS mm.
    lattice: Lattice
    #: What a person calls it; appears in messages.
    name: str = "image"

    def __post_init__(self) -> None:
        if tuple(self.intensities.shape) != self.lattice.array_shape:
            raise ValueError(
                f"{self.name}: the array has shape {tuple(self.intensities.shape)}, "
                f"its lattice {self.lattice.array_shape}."
            )

    def to_itk(self) -> sitk.Image:
        """Return a float32 SimpleITK image.

        Raises
        ------
        ValueError
            If the lattice is sheared, which ITK cannot represent.
        """
        return self.lattice.stamp(sitk.GetImageFromArray(self.intensities.numpy()))

    def on(self, lattice: Lattice) -> Image:
        """Return the same intensities on another lattice of the same size."""
        return replace(self, lattice=lattice)

    @cached_property
    def background(self) -> float:
        """The value outside the field of view: the darkest one in the image."""
        return float(self.intensities.min())
