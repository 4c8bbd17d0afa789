"""The numbers of a result: every map over the region, as `result.json` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..review.hot_spots import HotSpot
from ..review.statistics import RegionStatistics
from ..strict_json import plain
from .maps import MapKind


@dataclass(frozen=True, eq=False)
class Numbers:
    """What was found, in numbers."""

    #: Voxels of the fixed image in the region (the foreground, or the mask the person gave).
    region_voxels: int
    #: Shares of the region: with an estimate; where, of that, the transform folds; where the
    #: cues lie outside what the calibration has seen.
    covered: float
    folded: float
    beyond_calibration: float
    #: Each map over the region, as interpolated at its voxels; without those that have no
    #: estimate there.
    statistics: Mapping[MapKind, RegionStatistics]
    #: Each variance averaged over the region, unclamped, as a standard deviation in mm.
    root_mean: Mapping[MapKind, float]
    foremost: MapKind
    #: Where it is highest, worst first, each with the nearest voxel of the fixed image; empty
    #: without an estimate.
    hot_spots: tuple[HotSpot, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the record's summary, JSON-ready."""
        return {
            "region_voxels": self.region_voxels,
            "region_covered_fraction": self.covered,
            "folded_fraction": self.folded,
            "maps": {kind.value: plain(s) for kind, s in self.statistics.items()},
            "root_mean_variance_mm": {kind.value: v for kind, v in self.root_mean.items()},
            "hot_spots_map": self.foremost.value,
            "hot_spots": [spot.as_dict() for spot in self.hot_spots],
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Numbers:
        """Return the numbers that a record holds.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it holds others.
        """
        said = record["summary"]
        names = [each.name for each in fields(RegionStatistics)]
        return cls(
            region_voxels=int(said["region_voxels"]),
            covered=float(said["region_covered_fraction"]),
            folded=float(said["folded_fraction"]),
            beyond_calibration=float(record["calibration"].get("region_outside_fraction", 0.0)),
            statistics={
                MapKind(key): RegionStatistics(**{name: known[name] for name in names})
                for key, known in said["maps"].items()
            },
            root_mean={MapKind(key): v for key, v in said["root_mean_variance_mm"].items()},
            foremost=MapKind(said["hot_spots_map"]),
            hot_spots=tuple(HotSpot.from_dict(each) for each in said["hot_spots"]),
        )
