"""What is said of each carried structure: its volume, and how far it is to be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..review.reason_map import ReasonMap
from ..review.structures import voxels_of_each
from ..review.why import Why
from .calibrated import Feature, StructureCalibration
from .structures import Structure, pairs
from .surfaces import surfaces

if TYPE_CHECKING:
    from .carrier import CarriedLabels

#: A structure of fewer voxels has no volume to speak of.
_FEWEST_VOXELS = 20

#: A structure is not to be used where a larger share of its surface than this is expected to lie
#: farther off than the person's tolerance.
_MOST_ABOVE = 0.5


@dataclass(frozen=True)
class CarriedStructure:
    """One structure on the fixed image; None where there is no value.

    Parameters
    ----------
    label, name, color
        As in the moving image's labels.
    voxels, volume_cm3
        By the plain answer.
    moving_volume_cm3
        In the moving image.
    volume_low_cm3, volume_high_cm3
        Ends of the calibrated interval.
    expected_dice, expected_surface_mm
        Calibrated: of overlap with, and mean distance from, what a person would have drawn.
    volume_spread_cm3, overlap_of_passes
        Of the perturbed passes: standard deviation of the volume, mean Dice coefficient with the
        plain answer. They are agreement of the network with itself, and not of it with the truth.
    surface_error_mm
        Mean expected error on its surface; without a calibration, None.
    surface_above
        Share of its surface where the expected error is above the tolerance, 0 to 1.
    other_side
        Name of its counterpart on the other side; "" without one.
    asymmetry
        (left - right) / mean of both volumes, on the left one of two sides.
    remark
        In words, what keeps it from being used; "" for nothing.
    why
        What raises the expected error in it; empty where that is not known.
    """

    label: int
    name: str
    color: tuple[int, int, int]
    voxels: int
    volume_cm3: float
    moving_volume_cm3: float
    volume_low_cm3: float | None
    volume_high_cm3: float | None
    expected_dice: float | None
    expected_surface_mm: float | None
    volume_spread_cm3: float | None
    overlap_of_passes: float | None
    surface_error_mm: float | None
    surface_above: float | None
    other_side: str
    asymmetry: float | None
    remark: str
    why: tuple[Why, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        return asdict(self) | {"why": [one.as_dict() for one in self.why]}


def features_of(
    voxels: float, volume_mm3: float, area_mm2: float, error_mm: float, spread: float, dice: float
) -> dict[Feature, float]:
    """Return what a calibration of structures goes by; NaN where something is not known."""
    return {
        Feature.VOLUME: volume_mm3 / 1000,
        Feature.RELATIVE_ERROR: area_mm2 * error_mm / volume_mm3 if volume_mm3 else math.nan,
        Feature.DISAGREEMENT: 1 - dice,
        Feature.SPREAD: spread / voxels if voxels else math.nan,
    }


def carried_structures(
    carried: CarriedLabels,
    structures: Sequence[Structure],
    moving_cm3: Sequence[float],
    expected_error: NDArray[np.float32] | None,
    calibration: StructureCalibration | None,
    tolerance_mm: float | None = None,
    reasons: ReasonMap | None = None,
) -> list[CarriedStructure]:
    """Summarise carried labels.

    Parameters
    ----------
    carried
        From a `LabelCarrier`.
    structures, moving_cm3
        Of the label map, and their volumes there.
    expected_error
        mm on the fixed lattice, axes (k, j, i), NaN without an estimate; None without one.
    calibration
        None leaves intervals out.
    tolerance_mm
        The person's own.
    reasons
        Why the error is expected.
    """
    count = len(structures)
    voxel_mm3 = carried.lattice.voxel_volume
    voxels = np.bincount(carried.labels.ravel(), minlength=count + 1)
    errors = expected_error
    if errors is None:
        errors = np.full(carried.labels.shape, np.nan, np.float32)
    on_surface = surfaces(carried.labels, carried.lattice, count, errors, tolerance_mm)
    whys = {} if reasons is None else _reasons(carried, reasons)
    sides = dict(pairs(structures))
    partner = sides | {right: left for left, right in sides.items()}
    found = []
    for n, structure in enumerate(structures):
        own = n + 1
        volume = voxels[own] * voxel_mm3
        features = features_of(
            float(voxels[own]),
            float(volume),
            float(on_surface.area_mm2[own]),
            float(on_surface.mean[own]),
            float(carried.volume_spread[own]) if carried.passes > 1 else math.nan,
            float(carried.overlap[own]),
        )
        enough = voxels[own] >= _FEWEST_VOXELS
        said = _calibrated(calibration, features) if enough else (None,) * 4
        other = voxels[sides[n] + 1] * voxel_mm3 if n in sides else 0.0
        above = _known(float(on_surface.above[own]))
        found.append(
            CarriedStructure(
                label=structure.label,
                name=structure.name,
                color=structure.color,
                voxels=int(voxels[own]),
                volume_cm3=float(volume) / 1000,
                moving_volume_cm3=float(moving_cm3[n]),
                volume_low_cm3=said[0],
                volume_high_cm3=said[1],
                expected_dice=said[2],
                expected_surface_mm=said[3],
                volume_spread_cm3=_known(
                    float(carried.volume_spread[own]) * voxel_mm3 / 1000
                    if carried.passes > 1
                    else math.nan
                ),
                overlap_of_passes=_known(float(carried.overlap[own])),
                surface_error_mm=_known(float(on_surface.mean[own])),
                surface_above=above,
                other_side=structures[partner[n]].name if n in partner else "",
                asymmetry=float(2 * (volume - other) / (volume + other))
                if n in sides and volume + other
                else None,
                remark=_remark(
                    int(voxels[own]),
                    1.0 if expected_error is None else float(on_surface.covered[own]),
                    said[3],
                    above,
                    tolerance_mm,
                    calibration is not None and enough and calibration.outside(features),
                ),
                why=whys.get(own, ()),
            )
        )
    return found


def _reasons(carried: CarriedLabels, reasons: ReasonMap) -> dict[int, tuple[Why, ...]]:
    found, parts = voxels_of_each(carried.labels)
    return dict(zip(found.tolist(), reasons.of_parts(carried.lattice, parts), strict=True))


def _calibrated(
    calibration: StructureCalibration | None, features: Mapping[Feature, float]
) -> tuple[float | None, ...]:
    if calibration is None:
        return (None,) * 4
    dice = calibration.dice.value(features)
    values = (*calibration.interval(features), 1 / (1 + dice), calibration.surface.value(features))
    return tuple(_known(value) for value in values)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _remark(
    voxels: int,
    covered: float,
    distance: float | None,
    above: float | None,
    tolerance_mm: float | None,
    outside: bool,
) -> str:
    if not voxels:
        return "Nothing of it lies on the fixed image."
    if voxels < _FEWEST_VOXELS:
        return f"Not to be used: {voxels} voxels are too few for a volume."
    if tolerance_mm is not None and distance is not None and distance > tolerance_mm:
        return (
            f"Not to be used at {tolerance_mm:g} mm: its surface is expected {distance:.1f} mm off."
        )
    if tolerance_mm is not None and above is not None and above > _MOST_ABOVE:
        return (
            f"Not to be used at {tolerance_mm:g} mm: on {above:.0%} of its surface the expected "
            "error is larger."
        )
    if covered < 1 - _MOST_ABOVE:
        return "Mostly outside what the network sees."
    return "Unlike what the calibration has seen." if outside else ""
