"""Masks of a run: what is background to the network, and what is left out of every statistic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Image, ImageFile, read_labels
from ..review import region_of_statistics
from .job import Job


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of a job, read."""

    #: On the fixed image: where statistics are taken; None for the foreground.
    statistics: Image | None
    #: On the images: what is outside is background to the network and to the alignment.
    fixed: Image | None
    moving: Image | None
    #: On the fixed image: left in it, and left out of every statistic and hot spot.
    left_out: Image | None
    #: By their names in a record; None for what was not given.
    files: dict[str, ImageFile | None]

    @classmethod
    def read(cls, job: Job, fixed: Image, moving: Image) -> Masks:
        """Read what a job names.

        Raises
        ------
        InputError
            If one does not lie on its image's voxels, or is empty.
        """
        wanted = {
            "mask": (job.mask, fixed),
            "fixed_mask": (job.fixed_mask, fixed),
            "moving_mask": (job.moving_mask, moving),
            "leave_out": (job.leave_out, fixed),
        }
        found = {name: _read(path, image) for name, (path, image) in wanted.items()}
        return cls(
            found["mask"][0],
            found["fixed_mask"][0],
            found["moving_mask"][0],
            found["leave_out"][0],
            {name: file for name, (_, file) in found.items()},
        )

    def seen(self, fixed: Image, moving: Image) -> tuple[Image, Image]:
        """Return the images as the network and the alignment see them."""
        return _masked(fixed, self.fixed), _masked(moving, self.moving)

    def regions(self, fixed: Image) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
        """Return where statistics are taken, and what masks leave out of that (None: nothing).

        Raises
        ------
        InputError
            If nothing is left.
        """
        region, out = region_of_statistics(fixed, self.statistics, self.fixed, self.left_out)
        if out is not None and not region.any():
            raise InputError(
                "The masks leave nothing of the fixed image's anatomy.",
                "Look whether a mask is the wrong way round.",
            )
        return region, out


def _masked(image: Image, mask: Image | None) -> Image:
    if mask is None:
        return image
    background = torch.tensor(image.background)
    return replace(
        image, intensities=torch.where(mask.intensities > 0, image.intensities, background)
    )


def _read(path: Path | None, image: Image) -> tuple[Image | None, ImageFile | None]:
    if path is None:
        return None, None
    mask, file = read_labels(path)
    if not mask.lattice.is_close(image.lattice):
        raise InputError(
            f"{path} does not lie on the voxels of {image.name}.",
            f"Resample the mask onto {image.name} (nearest neighbour) first.",
        )
    if not np.any(mask.intensities.numpy() > 0):
        raise InputError(f"{path} is empty.", "Give a mask with at least one voxel set.")
    return mask, file
