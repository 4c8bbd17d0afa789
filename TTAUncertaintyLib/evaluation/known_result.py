"""A result as the truth that exists is held against: its transform, maps and lattices."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from ..errors import InputError
from ..geometry import Lattice, read_stored
from ..results import Bundle, MapKind, read_transform
from ..review.map_volume import MapVolume


@dataclass(frozen=True, eq=False)
class KnownResult:
    """A registration and what it says about itself."""

    #: Fixed world to moving world, LPS mm; of a `DeformableTransform`, take `to_itk()`.
    transform: sitk.Transform
    #: Of the images that were registered.
    fixed_lattice: Lattice
    moving_lattice: Lattice
    #: Those in mm, each where it lies; NaN without an estimate.
    maps: tuple[MapVolume, ...] = ()

    @classmethod
    def of(cls, bundle: Bundle) -> KnownResult:
        """Read what is needed of a bundle; the images themselves are not.

        Raises
        ------
        InputError
            If a file of it cannot be read.
        """
        try:
            transform = read_transform(bundle)
            inputs = bundle.record["inputs"]
            fixed, moving = (
                Lattice.from_dict(inputs[which]["lattice"]) for which in ("fixed", "moving")
            )
            maps = []
            for kind, path in bundle.map_files.items():
                if kind.facts.unit == "mm":
                    image, title = read_stored(path), kind.facts.title
                    why = bundle.reasons() if kind is MapKind.EXPECTED_ERROR else None
                    maps.append(
                        MapVolume(kind.value, title, "mm", image.values, image.lattice, why)
                    )
        except (InputError, RuntimeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{bundle.folder} is damaged: its transform or a map of it cannot be read.",
                "Run the registration again.",
            ) from error
        return cls(transform, fixed, moving, tuple(maps))
