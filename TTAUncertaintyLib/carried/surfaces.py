"""What a map says on the surfaces of structures, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Lattice

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Sums over the voxel faces between a structure and what is not it; shape (structures + 1,)."""

    #: Of the faces: a smooth surface has about two thirds of it.
    area_mm2: Array
    #: Share of the area where the map has an estimate, 0 to 1.
    covered: Array
    #: Of the map over that part, at the structure's own voxels; NaN without any.
    mean: Array
    #: Share of that part where the map is above the tolerance; NaN without one.
    above: Array


def surfaces(
    labels: NDArray[np.integer],
    lattice: Lattice,
    structures: int,
    values: NDArray[np.float32],
    tolerance: float | None = None,
) -> Surfaces:
    """Look at a map on the surface of every structure.

    Parameters
    ----------
    labels
        Axes (k, j, i): 0 to `structures`.
    lattice
        Of the labels; its axes are perpendicular.
    structures
        How many.
    values
        Of the map, same axes; NaN without an estimate.
    tolerance
        In the map's unit.
    """
    sums = np.zeros((4, structures + 1))
    for face, face_mm2 in _faces(lattice):
        before, after = (tuple(side) for side in face)
        differs = labels[before] != labels[after]
        for side in (before, after):
            kinds = labels[side][differs]
            found = values[side][differs]
            there = np.isfinite(found)
            found = np.where(there, found, 0.0)
            rows = [np.ones(len(kinds)), there, found]
            if tolerance is not None:
                rows.append(found > tolerance)
            for row, weights in enumerate(rows):
                sums[row] += face_mm2 * np.bincount(kinds, weights, structures + 1)
    area, with_estimate, total, higher = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return Surfaces(
            area,
            with_estimate / area,
            total / with_estimate,
            higher / with_estimate if tolerance is not None else np.full_like(area, np.nan),
        )


def _faces(lattice: Lattice) -> Iterator[tuple[tuple[list[slice], list[slice]], float]]:
    """Yield the voxels on either side of the faces across each axis, and a face's area, mm2."""
    for axis, spacing in zip((2, 1, 0), lattice.spacing, strict=True):
        before, after = [slice(None)] * 3, [slice(None)] * 3
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        yield (before, after), lattice.voxel_volume / float(spacing)
