"""Hot spots: the connected places where a map is highest, ranked, for a person to go through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry import Lattice


@dataclass(frozen=True)
class HotSpot:
    """A connected region above a threshold.

    Parameters
    ----------
    peak, mean
        Of the map in the region, in its unit (mm).
    volume_cm3
        Of the region.
    voxel
        Where the peak is, (i, j, k) on the map's lattice.
    position_lps_mm
        The same place in the world, LPS.
    """

    peak: float
    mean: float
    volume_cm3: float
    voxel: tuple[int, int, int]
    position_lps_mm: tuple[float, float, float]

    @property
    def position_ras_mm(self) -> tuple[float, float, float]:
        """The same place as Slicer shows it, RAS."""
        x, y, z = self.position_lps_mm
        return -x, -y, z

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        return {
            "peak_mm": self.peak,
            "mean_mm": self.mean,
            "volume_cm3": self.volume_cm3,
            "voxel_ijk": list(self.voxel),
            "position_lps_mm": list(self.position_lps_mm),
            "position_ras_mm": list(self.position_ras_mm),
        }


def find_hot_spots(
    values: NDArray[np.float32],
    region: NDArray[np.bool_],
    lattice: Lattice,
    threshold: float,
    most: int = 10,
    smallest_cm3: float = 0.1,
) -> list[HotSpot]:
    """Find connected regions above a threshold, highest peak first.

    Parameters
    ----------
    values
        The map, axes (k, j, i); NaN means "no estimate".
    region
        bool, same shape: where to look (the foreground).
    lattice
        Of the map, world LPS mm.
    threshold
        In the map's unit.
    most
        How many to return at most.
    smallest_cm3
        Regions below this volume are left out.
    """
    above = region & np.isfinite(values) & (values > threshold)
    if not above.any():
        return []
    labels = sitk.ConnectedComponent(sitk.GetImageFromArray(above.astype(np.uint8)))
    shapes = sitk.LabelIntensityStatisticsImageFilter()
    shapes.Execute(labels, sitk.GetImageFromArray(np.nan_to_num(values).astype(np.float32)))
    spots = []
    for label in shapes.GetLabels():
        volume = shapes.GetNumberOfPixels(label) * lattice.voxel_volume / 1000
        if volume < smallest_cm3:
            continue
        i, j, k = shapes.GetMaximumIndex(label)
        x, y, z = lattice.to_world([i, j, k]).tolist()
        spots.append(
            HotSpot(shapes.GetMaximum(label), shapes.GetMean(label), volume, (i, j, k), (x, y, z))
        )
    return sorted(spots, key=lambda spot: -spot.peak)[:most]
