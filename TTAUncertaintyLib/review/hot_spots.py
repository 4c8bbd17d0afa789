"""Hot spots: the connected places where a map is highest, ranked, for a person to go through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.carrying import carried
from ..geometry.lattice import Lattice
from .reason_map import ReasonMap
from .why import Why

#: Decimals of a peak that a person reads.
_DECIMALS = 2


@dataclass(frozen=True)
class HotSpot:
    """A connected region above a threshold."""

    #: Of the map in the region, in its unit (mm).
    peak: float
    mean: float
    volume_cm3: float
    #: Where the peak is, (i, j, k) on the map's lattice; of several voxels that read alike (two
    #: decimals) the innermost.
    voxel: tuple[int, int, int]
    #: The same place in the world, LPS.
    position_lps_mm: tuple[float, float, float]
    #: Name of the structure that holds most of the region; "" where no segmentation is given or
    #: none of it is touched.
    structure: str = ""
    #: Share of the region that lies in that structure, 0 to 1.
    structure_share: float = 0.0
    #: What raises the expected error there, the largest share first; empty where that is not
    #: known, and for the other maps.
    why: tuple[Why, ...] = ()

    @property
    def position_ras_mm(self) -> tuple[float, float, float]:
        """The same place as Slicer shows it, RAS."""
        x, y, z = self.position_lps_mm
        return -x, -y, z

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        found: dict[str, Any] = {
            "peak_mm": self.peak,
            "mean_mm": self.mean,
            "volume_cm3": self.volume_cm3,
            "voxel_ijk": list(self.voxel),
            "position_lps_mm": list(self.position_lps_mm),
            "position_ras_mm": list(self.position_ras_mm),
        }
        if self.structure:
            found |= {"structure": self.structure, "structure_share": self.structure_share}
        if self.why:
            found["why"] = [one.as_dict() for one in self.why]
        return found

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> HotSpot:
        """Return the hot spot that `as_dict` described."""
        i, j, k = described["voxel_ijk"]
        x, y, z = described["position_lps_mm"]
        return cls(
            peak=described["peak_mm"],
            mean=described["mean_mm"],
            volume_cm3=described["volume_cm3"],
            voxel=(i, j, k),
            position_lps_mm=(x, y, z),
            structure=described.get("structure", ""),
            structure_share=described.get("structure_share", 0.0),
            why=tuple(Why.from_dict(one) for one in described.get("why", ())),
        )


@dataclass(frozen=True, eq=False)
class HotSpotRegions:
    """Hot spots and the voxels that they take up."""

    #: Highest peak first; of peaks that read alike (two decimals) the larger place.
    spots: tuple[HotSpot, ...]
    #: Axes (k, j, i): n + 1 where spot n lies, 0 elsewhere.
    labels: NDArray[np.int32]
    #: Of the labels, world LPS mm.
    lattice: Lattice
    #: How many further places lie above the threshold, lower than the ones that were asked for.
    left_out: int = 0

    def spot_at(self, position_lps_mm: tuple[float, float, float]) -> int | None:
        """Return the number (from 0) of the spot that holds a world point; None outside all."""
        voxel = np.rint(self.lattice.to_voxel(position_lps_mm)).astype(int)
        if (voxel < 0).any() or (voxel >= self.lattice.size).any():
            return None
        i, j, k = voxel
        return int(self.labels[k, j, i]) - 1 if self.labels[k, j, i] else None


def hot_spot_regions(
    values: NDArray[np.float32],
    region: NDArray[np.bool_],
    lattice: Lattice,
    threshold: float,
    most: int = 10,
    smallest_cm3: float = 0.1,
) -> HotSpotRegions:
    """Find connected regions above a threshold, and which voxels they take up.

    Parameters
    ----------
    values
        The map, axes (k, j, i); NaN means "no estimate".
    region
        bool, same shape: where to look (the foreground).
    lattice
        Of the map, world LPS mm.
    smallest_cm3
        Regions below this volume are left out.
    """
    ranks = np.zeros(values.shape, np.int32)
    above = region & (values > threshold) & (values < np.inf)  # neither is true of NaN
    if not above.any():
        return HotSpotRegions((), ranks, lattice)
    pieces = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(above.view(np.uint8)))
    )
    where = np.flatnonzero(above)
    piece, value = pieces.ravel()[where], values.ravel()[where].astype(np.float64)
    voxels = np.bincount(piece)
    sums = np.bincount(piece, weights=value)
    # sorted by piece and within it by value: the last of each piece is its peak
    order = np.lexsort((value, piece))
    peaks = order[np.flatnonzero(np.diff(piece[order], append=-1))]
    peaks = peaks[voxels[piece[peaks]] * lattice.voxel_volume / 1000 >= smallest_cm3]
    left_out = max(0, len(peaks) - most)
    # where peaks read alike, as on the plateau of a calibrated map, the larger place comes first
    size, reads = voxels[piece[peaks]], np.round(value, _DECIMALS)
    peaks = peaks[np.lexsort((-value[peaks], -size, -reads[peaks]))][:most]
    spots = []
    number_of = np.zeros(len(voxels), np.int32)
    for number, peak in enumerate(peaks, start=1):
        label = piece[peak]
        number_of[label] = number
        alike = where[(piece == label) & (reads == reads[peak])]
        i, j, k = _innermost(alike, values.shape, lattice)
        x, y, z = lattice.to_world([i, j, k]).tolist()
        spots.append(
            HotSpot(
                peak=float(value[peak]),
                mean=float(sums[label] / voxels[label]),
                volume_cm3=float(voxels[label] * lattice.voxel_volume / 1000),
                voxel=(i, j, k),
                position_lps_mm=(x, y, z),
            )
        )
    ranks.ravel()[where] = number_of[piece]
    return HotSpotRegions(tuple(spots), ranks, lattice, left_out)


def _innermost(
    voxels: NDArray[np.intp], shape: tuple[int, ...], lattice: Lattice
) -> tuple[int, int, int]:
    """Return the voxel (i, j, k) nearest to the middle of several, given as flat indices."""
    ijk = np.stack(np.unravel_index(voxels, shape)[::-1], axis=-1)
    offset = (ijk - ijk.mean(0)) * lattice.spacing
    i, j, k = ijk[np.square(offset).sum(1).argmin()].tolist()
    return i, j, k


def in_structures(
    regions: HotSpotRegions,
    structures: NDArray[np.integer],
    names: Mapping[int, str],
    lattice: Lattice | None = None,
) -> HotSpotRegions:
    """Name the structure in which each hot spot mostly lies.

    Parameters
    ----------
    structures
        Labels, axes (k, j, i); 0 is no structure.
    names
        Name of each label; one without a name is called "label 7".
    lattice
        Of the structures, world LPS mm; None for that of the hot spots.
    """
    structures = carried(structures, lattice or regions.lattice, regions.lattice, nearest=True)
    where = regions.labels > 0
    spot_of, structure_of = regions.labels[where], structures[where]
    named = []
    for number, spot in enumerate(regions.spots, start=1):
        inside = structure_of[spot_of == number]
        labels, counts = np.unique(inside[inside > 0], return_counts=True)
        if labels.size == 0:
            named.append(replace(spot, structure="", structure_share=0.0))
            continue
        best = int(labels[counts.argmax()])
        name = names.get(best) or f"label {best}"
        share = float(counts.max() / inside.size)
        named.append(replace(spot, structure=name, structure_share=share))
    return replace(regions, spots=tuple(named))


def with_reasons(
    spots: Iterable[HotSpot], regions: HotSpotRegions, reasons: ReasonMap
) -> Iterator[HotSpot]:
    """Yield hot spots with what raises the expected error on average over each.

    Parameters
    ----------
    spots
        Those of `regions`, in their order.
    regions, reasons
        Of the expected error; they may lie on different lattices.
    """
    parts = [np.flatnonzero(regions.labels == n) for n in range(1, len(regions.spots) + 1)]
    whys = reasons.of_parts(regions.lattice, parts)
    return (replace(spot, why=why) for spot, why in zip(spots, whys, strict=True))


def as_recorded(regions: HotSpotRegions, recorded: Sequence[Mapping[str, Any]]) -> HotSpotRegions:
    """Give hot spots the reasons that the record of a run names for the places within them.

    Parameters
    ----------
    regions
        Hot spots of the expected error, at any threshold.
    recorded
        `summary.hot_spots` of the record, worst first.
    """
    known: dict[int, tuple[Why, ...]] = {}
    for each in recorded:
        x, y, z = each["position_lps_mm"]
        number = regions.spot_at((x, y, z))
        if number is not None and each.get("why"):
            known.setdefault(number, tuple(Why.from_dict(one) for one in each["why"]))
    spots = tuple(replace(s, why=known.get(n, ())) for n, s in enumerate(regions.spots))
    return replace(regions, spots=spots)
