"""Reading images from files and folders, with a clear word about those that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError
from .image import Image
from .lattice import Lattice
from .stored import StoredImage, read_stored, read_stored_labels, sha256

#: Half the distance between two neighbouring float32 numbers, relative to them.
_FLOAT32_STEP = 2.0**-24
#: An image has to keep at least so many grey levels as float32.
_LEAST_CONTRAST = 1 / 256


@dataclass(frozen=True)
class ImageFile:
    """Where an image came from, for the provenance of a result."""

    path: Path
    #: Of the bytes of all `files`, one after the other.
    sha256: str
    #: As stored, in ITK's words.
    pixel_type: str
    #: As stored, LPS mm.
    lattice: Lattice
    #: Voxels that held NaN or infinity and were replaced on request.
    nonfinite_replaced: int = 0
    #: What the image is called where it was taken from; empty where that is its file's name.
    name: str = ""
    #: All that it was read from: one, a header and its voxels, or a series in slice order.
    files: tuple[Path, ...] = ()
    #: What a person should know of how it was read, in sentences that begin after its name.
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        return {
            "name": self.name or self.path.name.partition(".")[0],
            "path": str(self.path),
            "sha256": self.sha256,
            "pixel_type": self.pixel_type,
            "lattice": self.lattice.as_dict(),
            "nonfinite_replaced": self.nonfinite_replaced,
            "files": len(self.files),
            "notes": list(self.notes),
        }


def read_image(
    path: Path | str, series_uid: str | None = None, replace_nonfinite: bool = False
) -> tuple[Image, ImageFile]:
    """Read a three-dimensional scalar image.

    Parameters
    ----------
    path
        A NIfTI, NRRD or MetaImage file, or a folder with one DICOM series.
    series_uid
        Which series, where a DICOM folder holds several.
    replace_nonfinite
        Replace NaN and infinite voxels by the smallest finite value instead of refusing them.

    Returns
    -------
    tuple of Image and ImageFile
        Intensities as float32, axes (k, j, i); lattice in LPS mm; and the provenance.

    Raises
    ------
    InputError
        If the path is missing, unreadable or empty, or the image is not three-dimensional, not
        scalar, constant, not finite, or has an absurd spacing. The message says what to do.
    """
    path = Path(path)
    stored = read_stored(path, series_uid)
    values, replaced = _finite(stored.values, path, replace_nonfinite)
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise InputError(
            f"{path} is constant: every voxel is {low:g}, so there is nothing to register.",
            "Check that the right volume was exported.",
        )
    if (high - low) * _LEAST_CONTRAST < max(abs(low), abs(high)) * _FLOAT32_STEP:
        raise InputError(
            f"{path} lies between {low:.17g} and {high:.17g}: beside so large an offset its "
            "contrast is lost in the numbers that networks compute with (float32).",
            "Subtract the offset from the image first.",
        )
    image = Image(torch.from_numpy(values.astype(np.float32)), stored.lattice, path.name)
    return image, _origin(path, stored, replaced)


def read_labels(path: Path | str) -> tuple[Image, ImageFile]:
    """Read a label map or mask: as `read_image`, but a constant one is allowed.

    Raises
    ------
    InputError
        As `read_image`; also where a voxel is not a whole number from 0 up.
    """
    path = Path(path)
    stored = read_stored_labels(path)
    values = torch.from_numpy(stored.values.astype(np.float32))
    return Image(values, stored.lattice, path.name), _origin(path, stored)


def _origin(path: Path, stored: StoredImage, replaced: int = 0) -> ImageFile:
    return ImageFile(
        path.resolve(),
        sha256(*stored.files),
        stored.pixel_type,
        stored.lattice,
        replaced,
        files=stored.files,
        notes=stored.notes,
    )


def _finite(array: NDArray[Any], path: Path, replace: bool) -> tuple[NDArray[Any], int]:
    """Return an array without NaN and infinity, and how many voxels were replaced."""
    if array.dtype.kind != "f":
        return array, 0
    with np.errstate(invalid="ignore"):  # what float32 cannot hold is infinite for all that follows
        bad = ~(np.abs(array) <= np.finfo(np.float32).max)
    count = int(bad.sum())
    if count == 0:
        return array, 0
    if count == array.size:
        raise InputError(f"{path} holds no finite value at all.", "Export it again.")
    if not replace:
        raise InputError(
            f"{path} holds {count} voxels that are NaN or infinite.",
            "Repair it, or ask for them to be replaced by the smallest finite value with "
            "--replace-nonfinite.",
        )
    return np.where(bad, array[~bad].min(), array), count
