"""A map as the review reads it: values, where they lie, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..geometry.carrying import carried
from ..geometry.lattice import Lattice
from .reason_map import ReasonMap

#: Weights below this do not draw a voxel without an estimate into an interpolated value.
_NO_WEIGHT = 1e-6


@dataclass(frozen=True, eq=False)
class MapVolume:
    """A map of a result on its lattice."""

    #: The map's key in the record, for example "total".
    key: str
    #: What a person calls it.
    title: str
    #: "mm" or "" (dimensionless).
    unit: str
    #: float, axes (k, j, i); NaN means "no estimate".
    values: NDArray[np.float32]
    #: Where the voxels lie, world LPS mm.
    lattice: Lattice
    #: Why an error is expected, for the map that is one; None where that is not known.
    reasons: ReasonMap | None = None

    def __post_init__(self) -> None:
        if self.values.shape != self.lattice.array_shape:
            raise ValueError(
                f"{self.title}: the array has shape {self.values.shape}, "
                f"its lattice {self.lattice.array_shape}."
            )

    def on(self, lattice: Lattice) -> MapVolume:
        """Return the map on another lattice, see `carried`; itself where it lies on that one."""
        values = carried(self.values, self.lattice, lattice)
        return self if values is self.values else replace(self, values=values, lattice=lattice)

    def at(self, points: ArrayLike) -> NDArray[np.float64]:
        """Interpolate trilinearly.

        Parameters
        ----------
        points
            Shape (n, 3), world LPS mm.

        Returns
        -------
        ndarray
            Shape (n,), in the map's unit; NaN more than half a voxel beyond the outermost voxel
            centres, and where a voxel that takes part has no estimate.
        """
        voxels = np.atleast_2d(self.lattice.to_voxel(points))
        last = np.array(self.lattice.size) - 1
        inside = ((voxels >= -0.5) & (voxels <= last + 0.5)).all(axis=1)
        clamped = np.clip(np.nan_to_num(voxels), 0, last)
        low = np.minimum(clamped.astype(int), np.maximum(last - 1, 0))
        fraction = clamped - low
        found = np.zeros(len(voxels))
        for corner in np.ndindex(2, 2, 2):
            weight = np.where(corner, fraction, 1 - fraction).prod(axis=1)
            i, j, k = np.minimum(low + corner, last).T
            found += np.where(weight > _NO_WEIGHT, weight * self.values[k, j, i], 0.0)
        return np.where(inside, found, np.nan)
