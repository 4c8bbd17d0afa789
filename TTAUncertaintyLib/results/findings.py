"""From the engine's outcome on the network's lattice to what a person looks at, on the fixed image.

Variances are carried to the fixed lattice as variances (mm^2) and turned into mm there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ..calibration import CalibratedMaps
from ..engine import Outcome
from ..geometry import DeformableTransform, Image, Lattice, resample_array
from ..review import (
    HotSpot,
    RegionStatistics,
    find_hot_spots,
    foreground,
    region_statistics,
    root_mean_variance,
)
from .labels import LabelFindings
from .maps import MapKind

if TYPE_CHECKING:
    from .audited import AuditRecord

#: Where the fixed image reaches beyond the network's lattice, the displacement fades out over
#: this many of the network's voxels.
_FADE_VOXELS = 8

#: A voxel of less weight than this, by rounding, has no part in an interpolated value.
_NO_WEIGHT = 1e-3

#: Hot spots are what lies above this percentile of the foremost map's foreground.
HOT_SPOT_PERCENTILE = 95

#: The maps that are square roots of variances.
VARIANCE_KINDS: tuple[MapKind, ...] = (MapKind.TOTAL, MapKind.INTRINSIC, MapKind.JITTER)

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything a result bundle holds, in memory.

    Parameters
    ----------
    outcome
        The engine's, on the network's lattice.
    fixed, moving
        The input images.
    warped
        The moving image resampled through `transform` onto the fixed lattice.
    transform
        The unperturbed prediction: the answer.
    mean_transform
        The mean of the compensated predictions; None without perturbed passes.
    maps
        On the fixed lattice, float32, axes (k, j, i), in the unit of each kind; NaN where the
        network had no lattice and so there is no estimate.
    variances
        Traces on the fixed lattice, mm^2, not clamped, for averaging over regions.
    region
        bool, axes (k, j, i): the foreground (or the mask the person gave).
    outside
        bool, axes (k, j, i): where the cues lie outside what the calibration has seen; None
        without a calibration.
    left_out
        bool, axes (k, j, i): what masks leave out of every statistic; None without such masks.
    labels
        Of the moving image, carried along; None where none were given.
    audit
        Of a transform that was made elsewhere; None for a run's own.
    """

    outcome: Outcome
    fixed: Image
    moving: Image
    warped: Image
    transform: DeformableTransform
    mean_transform: DeformableTransform | None
    maps: dict[MapKind, Array]
    variances: dict[MapKind, Array]
    region: NDArray[np.bool_]
    outside: NDArray[np.bool_] | None = None
    left_out: NDArray[np.bool_] | None = None
    labels: LabelFindings | None = None
    audit: AuditRecord | None = None

    @cached_property
    def statistics(self) -> dict[MapKind, RegionStatistics]:
        """Each map over the region."""
        found = {kind: region_statistics(values, self.region) for kind, values in self.maps.items()}
        return {kind: value for kind, value in found.items() if value is not None}

    @cached_property
    def root_mean(self) -> dict[MapKind, float]:
        """Each variance averaged over the region, as a standard deviation in mm."""
        return {
            kind: root_mean_variance(values, self.region) for kind, values in self.variances.items()
        }

    @cached_property
    def covered(self) -> float:
        """Share of the region in which there is an estimate."""
        shown = self.foremost if self.foremost in self.maps else MapKind.JACOBIAN
        inside = np.isfinite(self.maps[shown][self.region])
        return float(inside.mean()) if inside.size else 0.0

    @cached_property
    def beyond_calibration(self) -> float:
        """Share of the region in which the cues lie outside what the calibration has seen."""
        if self.outside is None or not self.region.any():
            return 0.0
        return float(self.outside[self.region].mean())

    @cached_property
    def folded(self) -> float:
        """Share of the region in which the transform folds."""
        values = self.maps[MapKind.JACOBIAN][self.region]
        values = values[np.isfinite(values)]
        return float((values <= 0).mean()) if values.size else 0.0

    @cached_property
    def hot_spots(self) -> list[HotSpot]:
        """Where the foremost map is highest, worst first; empty without an estimate."""
        kind = self.foremost
        if kind not in self.statistics:
            return []
        return find_hot_spots(
            self.maps[kind],
            self.region,
            self.fixed.lattice,
            threshold=self.statistics[kind].p95,
        )

    @property
    def foremost(self) -> MapKind:
        """The map that hot spots are found on: the expected error, else the total uncertainty."""
        return MapKind.foremost(self.maps)


def find(
    outcome: Outcome,
    fixed: Image,
    moving: Image,
    mask: Image | None = None,
    calibrated: CalibratedMaps | None = None,
) -> Findings:
    """Carry an outcome to the fixed image's lattice.

    Parameters
    ----------
    outcome
        Of the engine; provisional ones are welcome.
    fixed, moving
        The input images.
    mask
        On the fixed image's lattice: where to compute statistics; None takes the foreground.
    calibrated
        What a calibration makes of the outcome, on the outcome's fixed lattice.
    """
    transform = outcome.transform()
    layers = {MapKind.JACOBIAN: outcome.jacobian}
    if outcome.inverse_consistency is not None:
        layers[MapKind.INVERSE_CONSISTENCY] = outcome.inverse_consistency
    mean_transform = None
    if outcome.variance is not None:
        traces = outcome.variance.traces()
        mean_transform = transform.with_offset(outcome.variance.mean_offset)
        layers[MapKind.TOTAL] = traces.total
        if traces.intrinsic is not None and traces.jitter is not None:
            layers[MapKind.INTRINSIC] = traces.intrinsic
            layers[MapKind.JITTER] = traces.jitter
    if calibrated is not None:
        layers[MapKind.EXPECTED_ERROR] = calibrated.expected_error
        layers[MapKind.ERROR_BOUND] = calibrated.error_bound
    transform = answer_on(transform, fixed.lattice)
    if mean_transform is not None:
        mean_transform = answer_on(mean_transform, fixed.lattice)
    lattices = outcome.fixed_lattice, fixed.lattice
    values = {
        kind: resample_array(layer[None], *lattices, outside=float("nan"))[0].numpy()
        for kind, layer in layers.items()
    }
    variances = {kind: values[kind] for kind in VARIANCE_KINDS if kind in values}
    maps = {
        kind: np.sqrt(np.maximum(values[kind], 0)) if kind in variances else values[kind]
        for kind in MapKind
        if kind in values
    }
    return Findings(
        outcome=outcome,
        fixed=fixed,
        moving=moving,
        warped=transform.warp(moving, fixed.lattice),
        transform=transform,
        mean_transform=mean_transform,
        maps=maps,
        variances=variances,
        region=foreground(fixed) if mask is None else mask.intensities.numpy() > 0,
        outside=None if calibrated is None else on_fixed(calibrated.outside, outcome, fixed),
    )


def answer_on(transform: DeformableTransform, fixed: Lattice) -> DeformableTransform:
    """Return a network's answer as a fixed image gets it: faded out where that reaches farther."""
    return transform if _contains(transform.lattice, fixed) else transform.faded(_FADE_VOXELS)


def on_fixed(marked: torch.Tensor, outcome: Outcome, fixed: Image) -> NDArray[np.bool_]:
    """Carry marks to the fixed image: a voxel is marked where any that it is made of is."""
    layer = marked[None].float()
    on_fixed = resample_array(layer, outcome.fixed_lattice, fixed.lattice, outside=0.0)
    return np.asarray(on_fixed[0].numpy() > _NO_WEIGHT)


def _contains(outer: Lattice, inner: Lattice) -> bool:
    """Tell whether a lattice's interpolation reaches every voxel centre of another."""
    corners = outer.to_voxel(inner.corners())
    return bool(((corners >= -0.5) & (corners < np.array(outer.size) - 0.5)).all())
