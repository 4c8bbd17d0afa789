"""A bundle's files as arrays: the slow half of loading, without a scene, fit for a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Lattice, StoredImage, read_stored, read_stored_labels, taking_part
from ..results import Bundle, MapKind
from ..review.foreground import foreground_of


@dataclass(frozen=True, eq=False)
class BundleArrays:
    """What a bundle's image files hold."""

    bundle: Bundle
    #: The fixed image's, of `warped` and `region`, world LPS mm.
    lattice: Lattice
    map_lattice: Lattice
    #: Axes (k, j, i).
    warped: NDArray[Any]
    #: bool, axes (k, j, i): where the fixed or the warped image shows anatomy.
    region: NDArray[np.bool_]
    #: float32, axes (k, j, i), in the unit of each kind; NaN where there is no estimate, and
    #: where a voxel has no part in a value in the region: outside, a network has nothing to go by.
    maps: dict[MapKind, NDArray[Any]]
    #: uint8, axes (k, j, i), 0 or 1: where the cues lie outside the calibrated range, as far as
    #: `maps` go; None without a calibration.
    outside: NDArray[np.uint8] | None = None
    #: Whole numbers, axes (k, j, i), on `lattice`: labels of the moving image; None for none.
    labels: NDArray[Any] | None = None

    @classmethod
    def read(cls, bundle: Bundle, fixed: NDArray[Any] | None = None) -> BundleArrays:
        """Read the image files of a bundle.

        Parameters
        ----------
        fixed
            The fixed image's intensities on the result's lattice, axes (k, j, i), where they are
            at hand: a place where it shows anatomy and the warped image does not is worth seeing.

        Raises
        ------
        InputError
            If a file cannot be read, or maps lie on different lattices.
        """
        warped = read_part(bundle.warped)
        lattice = warped.lattice
        region = foreground_of(warped.values.astype(np.float32))
        if fixed is not None and fixed.shape == region.shape:
            region |= foreground_of(fixed)
        stored = {kind: read_part(path) for kind, path in bundle.map_files.items()}
        marks = None
        if bundle.outside_calibration is not None:
            marks = read_part(bundle.outside_calibration)
        map_lattice = next((image.lattice for image in stored.values()), lattice)
        for image in (*stored.values(), *([] if marks is None else [marks])):
            if not image.lattice.is_close(map_lattice):
                raise InputError(
                    f"The maps of {bundle.folder} do not lie on the same voxels.",
                    "The result folder is damaged: run the registration again.",
                )
        shown = taking_part(region, lattice, map_lattice)
        maps = {kind: image.values for kind, image in stored.items()}
        for values in maps.values():
            values[~shown] = np.nan
        outside = None if marks is None else ((marks.values > 0) & shown).astype(np.uint8)
        labels = None if bundle.labels is None else read_part(bundle.labels, read_stored_labels)
        if labels is not None and not labels.lattice.is_close(lattice):
            raise InputError(
                f"The labels of {bundle.folder} do not lie on the fixed image's voxels.",
                "The result folder is damaged: run the registration again.",
            )
        carried = None if labels is None else labels.values
        return cls(bundle, lattice, map_lattice, warped.values, region, maps, outside, carried)


def read_part(path: Path, read: Callable[[Path], StoredImage] = read_stored) -> StoredImage:
    """Read an image file of a result.

    Raises
    ------
    InputError
        If it cannot be read: the folder is damaged then.
    """
    try:
        return read(path)
    except InputError as error:
        raise InputError(
            f"{path} cannot be read.", "The result folder is damaged: run the registration again."
        ) from error
