"""From the engine's outcome to what a person looks at.

Everything lies on the network's lattice, which is all that is known; what the fixed image's voxels
have of it is interpolated where it is asked for, a few slices at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..calibration import CalibratedMaps
from ..engine import Outcome
from ..geometry import (
    NO_WEIGHT,
    DeformableTransform,
    Image,
    Lattice,
    carried,
    carried_slabs,
    taking_part,
)
from ..review import (
    HotSpot,
    RegionStatistics,
    foreground,
    hot_spot_regions,
    region_statistics,
    root_mean_variance,
    with_reasons,
)
from ..review.reason_map import ReasonMap
from .labels import LabelFindings
from .maps import MapKind
from .numbers import Numbers

#: Where the fixed image reaches beyond the network's lattice, the displacement fades out over
#: this many of the network's voxels.
_FADE_VOXELS = 8

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything a result holds, in memory.

    Notes
    -----
    Between the network's voxels a map is interpolated linearly, standard deviations as such: the
    transform is interpolated so too, and of a weighted mean of neighbours the standard deviation is
    at most the weighted mean of theirs (and that exactly where they move together).
    """

    fixed: Image
    moving: Image
    #: The unperturbed prediction: the answer.
    transform: DeformableTransform
    #: The network's, in the fixed world, on which maps, variances and `outside` lie.
    lattice: Lattice
    #: float32, axes (k, j, i), in the unit of each kind.
    maps: dict[MapKind, Array]
    #: Traces, mm^2, not clamped, for averaging over regions.
    variances: dict[MapKind, Array]
    #: bool, axes (k, j, i): where the cues lie outside what the calibration has seen; None
    #: without a calibration.
    outside: NDArray[np.bool_] | None = None
    #: The mean of the compensated predictions; None without perturbed passes.
    mean_transform: DeformableTransform | None = None
    #: Why the error is expected; None where that is not known.
    reasons: ReasonMap | None = None
    #: bool, axes (k, j, i), on the fixed image's lattice: where statistics are taken; None takes
    #: the foreground.
    mask: NDArray[np.bool_] | None = None
    #: bool, like `mask`: what masks leave out of every statistic; None without such masks.
    left_out: NDArray[np.bool_] | None = None
    #: Of the moving image, carried along; None where none were given.
    labels: LabelFindings | None = None
    #: The numbers, where they are on record; they are computed otherwise.
    recorded: Numbers | None = None

    def with_expected_error(self, calibrated: CalibratedMaps) -> Findings:
        """Return the same and what a calibration makes of it, on the network's lattice."""
        errors = {
            MapKind.EXPECTED_ERROR: calibrated.expected_error.numpy(),
            MapKind.ERROR_BOUND: calibrated.error_bound.numpy(),
        }
        maps, reasons = self.maps | errors, None
        if calibrated.reasons is not None:
            shows = np.isfinite(errors[MapKind.EXPECTED_ERROR])
            reasons = ReasonMap.of(calibrated.reasons, shows, self.lattice)
        return replace(
            self,
            maps={kind: maps[kind] for kind in MapKind if kind in maps},
            outside=calibrated.outside.numpy(),
            reasons=reasons,
        )

    @cached_property
    def region(self) -> NDArray[np.bool_]:
        """Where statistics are taken: bool, axes (k, j, i), on the fixed image's lattice."""
        return foreground(self.fixed) if self.mask is None else self.mask

    @property
    def foremost(self) -> MapKind:
        """The map that hot spots are found on: the expected error, else the total uncertainty."""
        return MapKind.foremost(self.maps)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """The region on the network's lattice; of a tiny one, the voxels nearest to it."""
        marks = self.region.view(np.uint8)
        inside = carried(marks, self.fixed.lattice, self.lattice, nearest=True) > 0
        return (
            inside if inside.any() else taking_part(self.region, self.fixed.lattice, self.lattice)
        )

    def values(self, kind: MapKind) -> Array:
        """Return a map's finite values in the region, on the network's lattice, shape (n,)."""
        inside = self.maps[kind][self.inside]
        return inside[np.isfinite(inside)]

    def on_fixed_image(self, kind: MapKind) -> Array | None:
        """Return a map at the fixed image's voxels, NaN without an estimate; None without it."""
        if kind not in self.maps:
            return None
        return np.concatenate(
            list(carried_slabs(self.maps[kind], self.lattice, self.fixed.lattice))
        )

    @cached_property
    def numbers(self) -> Numbers:
        """Everything that is counted over the region."""
        if self.recorded is not None:
            return self.recorded
        statistics, foremost = {}, self.foremost
        covered = folded = 0.0
        for kind in self.maps:
            inside = self._in_region(self.maps[kind])
            found = region_statistics(inside)
            if found is not None:
                statistics[kind] = found
            if found is not None and kind is MapKind.JACOBIAN:
                covered = found.voxels / inside.size
                folded = np.count_nonzero(inside <= 0) / found.voxels  # not true of NaN
            del inside  # before the next: of a large image, every copy counts
        root_mean = {
            kind: root_mean_variance(self._in_region(values))
            for kind, values in self.variances.items()
        }
        beyond = 0.0
        if self.outside is not None and self.region.any():
            marked = self._in_region(self.outside.astype(np.float32))
            beyond = float((marked > NO_WEIGHT).mean())
        return Numbers(
            region_voxels=int(np.count_nonzero(self.region)),
            covered=covered,
            folded=folded,
            beyond_calibration=beyond,
            statistics=statistics,
            root_mean=root_mean,
            foremost=foremost,
            hot_spots=tuple(self._hot_spots(foremost, statistics.get(foremost))),
        )

    def _hot_spots(self, kind: MapKind, known: RegionStatistics | None) -> list[HotSpot]:
        if known is None:
            return []
        found = hot_spot_regions(self.maps[kind], self.inside, self.lattice, known.p95)
        spots = [replace(spot, voxel=self._fixed_voxel(spot)) for spot in found.spots]
        reasons = self.reasons if kind.is_error else None
        return spots if reasons is None else list(with_reasons(spots, found, reasons))

    def _fixed_voxel(self, spot: HotSpot) -> tuple[int, int, int]:
        lattice = self.fixed.lattice
        nearest = np.rint(lattice.to_voxel(spot.position_lps_mm))
        i, j, k = np.clip(nearest, 0, np.array(lattice.size) - 1).astype(int).tolist()
        return i, j, k

    def _in_region(self, values: Array) -> Array:
        """Return an array of the network's lattice at the region's voxels, shape (n,)."""
        box, lattice = self._region_box
        found = np.empty(np.count_nonzero(box), np.float32)
        if not found.size:
            return found
        first = filled = 0
        for slab in carried_slabs(values, self.lattice, lattice):
            inside = slab[box[first : first + len(slab)]]
            found[filled : filled + len(inside)] = inside
            first, filled = first + len(slab), filled + len(inside)
        return found

    @cached_property
    def _region_box(self) -> tuple[NDArray[np.bool_], Lattice]:
        """The region in the smallest box that holds it, and where the box lies."""
        flat = np.any(self.region, axis=0)  # over slices first: the rest is cheap then
        hits = np.any(self.region, axis=(1, 2)), np.any(flat, axis=1), np.any(flat, axis=0)
        ends = [np.flatnonzero(hit)[[0, -1]] + [0, 1] if hit.any() else (0, 0) for hit in hits]
        (k, z), (j, y), (i, x) = ((int(low), int(high)) for low, high in ends)
        matrix = self.fixed.lattice.matrix.copy()
        matrix[:3, 3] = self.fixed.lattice.to_world((i, j, k))
        size = max(x - i, 1), max(y - j, 1), max(z - k, 1)
        return self.region[k:z, j:y, i:x], Lattice(size, matrix)


def find(
    outcome: Outcome,
    fixed: Image,
    moving: Image,
    mask: NDArray[np.bool_] | None = None,
    left_out: NDArray[np.bool_] | None = None,
) -> Findings:
    """Make of an outcome what a person looks at.

    Parameters
    ----------
    mask, left_out
        As of `Findings`.
    """
    transform = outcome.transform()
    layers = {MapKind.JACOBIAN: outcome.jacobian}
    if outcome.inverse_consistency is not None:
        layers[MapKind.INVERSE_CONSISTENCY] = outcome.inverse_consistency
    mean_transform, variances = None, {}
    if outcome.variance is not None:
        traces = outcome.variance.traces()
        mean_transform = transform.with_offset(outcome.variance.mean_offset)
        variances[MapKind.TOTAL] = traces.total
        if traces.intrinsic is not None and traces.jitter is not None:
            variances[MapKind.INTRINSIC] = traces.intrinsic
            variances[MapKind.JITTER] = traces.jitter
    layers |= {kind: trace.clamp(min=0).sqrt() for kind, trace in variances.items()}
    transform = answer_on(transform, fixed.lattice)
    if mean_transform is not None:
        mean_transform = answer_on(mean_transform, fixed.lattice)
    return Findings(
        fixed=fixed,
        moving=moving,
        transform=transform,
        lattice=outcome.fixed_lattice,
        maps={kind: layers[kind].float().numpy() for kind in MapKind if kind in layers},
        variances={kind: trace.float().numpy() for kind, trace in variances.items()},
        mean_transform=mean_transform,
        mask=mask,
        left_out=left_out,
    )


def answer_on(transform: DeformableTransform, fixed: Lattice) -> DeformableTransform:
    """Return a network's answer as a fixed image gets it: faded out where that reaches farther."""
    return transform if _contains(transform.lattice, fixed) else transform.faded(_FADE_VOXELS)


def _contains(outer: Lattice, inner: Lattice) -> bool:
    """Tell whether a lattice's interpolation reaches every voxel centre of another."""
    corners = outer.to_voxel(inner.corners())
    return bool(((corners >= -0.5) & (corners < np.array(outer.size) - 0.5)).all())
