"""A bundle's files as arrays: the slow half of loading, without a scene, fit for a thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.lattice import Lattice
from ..results import Bundle, MapKind


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
    maps
        float32, axes (k, j, i), in the unit of each kind; NaN where there is no estimate.
    """

    bundle: Bundle
    lattice: Lattice
    warped: NDArray[Any]
    maps: dict[MapKind, NDArray[Any]]

    @classmethod
    def read(cls, bundle: Bundle) -> BundleArrays:
        """Read the image files of a bundle.

        Raises
        ------
        InputError
            If a file cannot be read, or lies on another lattice than the warped image.
        """
        warped = _read(bundle.warped)
        lattice = Lattice.of(warped)
        maps = {}
        for kind, path in bundle.map_files.items():
            image = _read(path)
            if not Lattice.of(image).is_close(lattice):
                raise InputError(
                    f"{path} does not lie on the voxels of the warped image.",
                    "The result folder is damaged: run the registration again.",
                )
            maps[kind] = sitk.GetArrayFromImage(image)
        return cls(bundle, lattice, sitk.GetArrayFromImage(warped), maps)


def _read(path: Path) -> sitk.Image:
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path} cannot be read.", "The result folder is damaged: run the registration again."
        ) from error
