"""A bundle's files as arrays: the slow half of loading, without a scene, fit for a thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Lattice, StoredImage, read_stored
from ..results import Bundle, MapKind
from ..review.foreground import foreground_of


@dataclass(frozen=True, eq=False)
class BundleArrays:
    """What a bundle's image files hold.

    Parameters
    ----------
    bundle
        Where it comes from.
    lattice
        Of all the arrays: the fixed image's, world LPS mm.
    warped
        Axes (k, j, i).
    region
        bool, axes (k, j, i): where the fixed or the warped image shows anatomy.
    maps
        float32, axes (k, j, i), in the unit of each kind; NaN where there is no estimate, and
        outside the region, where a network has nothing to go by.
    outside
        uint8, axes (k, j, i), 0 or 1: where within the region the cues lie outside the calibrated
        range; None without a calibration.
    """

    bundle: Bundle
    lattice: Lattice
    warped: NDArray[Any]
    region: NDArray[np.bool_]
    maps: dict[MapKind, NDArray[Any]]
    outside: NDArray[np.uint8] | None = None

    @classmethod
    def read(cls, bundle: Bundle, fixed: NDArray[Any] | None = None) -> BundleArrays:
        """Read the image files of a bundle.

        Parameters
        ----------
        bundle
            What to read.
        fixed
            The fixed image's intensities on the result's lattice, axes (k, j, i), where they are
            at hand: a place where it shows anatomy and the warped image does not is worth seeing.

        Raises
        ------
        InputError
            If a file cannot be read, or lies on another lattice than the warped image.
        """
        warped = read_part(bundle.warped)
        lattice = warped.lattice
        values = warped.values
        region = foreground_of(values)
        if fixed is not None and fixed.shape == region.shape:
            region |= foreground_of(fixed)
        maps = {}
        for kind, path in bundle.map_files.items():
            maps[kind] = _read_on(lattice, path)
            maps[kind][~region] = np.nan
        outside = None
        if bundle.outside_calibration is not None:
            marks = _read_on(lattice, bundle.outside_calibration)
            outside = ((marks > 0) & region).astype(np.uint8)
        return cls(bundle, lattice, values, region, maps, outside)


def _read_on(lattice: Lattice, path: Path) -> NDArray[Any]:
    image = read_part(path)
    if not image.lattice.is_close(lattice):
        raise InputError(
            f"{path} does not lie on the voxels of the warped image.",
            "The result folder is damaged: run the registration again.",
        )
    return image.values


def read_part(path: Path) -> StoredImage:
    """Read an image file of a result.

    Raises
    ------
    InputError
        If it cannot be read: the folder is damaged then.
    """
    try:
        return read_stored(path)
    except InputError as error:
        raise InputError(
            f"{path} cannot be read.", "The result folder is damaged: run the registration again."
        ) from error
