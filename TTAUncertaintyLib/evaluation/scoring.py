"""From measurements to figures of merit: every map of every case against the true error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from ..cues import Cue
from .measuring import Measurement
from .metrics import (
    calibration_error,
    coverage,
    mean_absolute_error,
    normalised_risk_coverage,
    pearson,
    risk_coverage_area,
    sharpness,
    sparsification_error,
    spearman,
)

if TYPE_CHECKING:
    from ..calibration.fitting import LeftOut

#: Name of the method that a calibration makes of all cues.
CALIBRATED = "expected error, calibrated on other subjects"

#: Name of what the head that comes with the software says.
SHIPPED = "expected error, as it comes"


@dataclass(frozen=True, eq=False)
class Prediction:
    """One map of one case, flat over the voxels that count."""

    method: str
    #: Passes through the network that it takes in all, the registration itself included.
    passes: int
    #: float32 [n], any unit: where it is larger, the error should be larger.
    values: Tensor
    #: float32 [n], mm; only where the values are an expected error in mm.
    bound: Tensor | None = None


#: Cues that a single pass gives, and what the others take beside it.
_EXTRA_PASSES = {Cue.INVERSE_CONSISTENCY: 1}
_OF_THE_DESIGN = (Cue.TOTAL, Cue.INTRINSIC, Cue.JITTER)


def predictions(measurement: Measurement, left_out: LeftOut | None = None) -> list[Prediction]:
    """Return every map that a measurement holds."""
    design = int(measurement.design["outer_K"]) * int(measurement.design["replicates_R"])
    name = str(measurement.design["name"])
    found = []
    for cue, values in measurement.cues.items():
        if cue in _OF_THE_DESIGN:
            found.append(Prediction(f"{name}: {cue.facts.title}", 1 + design, values))
        else:
            found.append(Prediction(cue.facts.title, 1 + _EXTRA_PASSES.get(cue, 0), values))
    for title, values in measurement.others.items():
        found.append(Prediction(title, 1 + measurement.passes[title], values))
    passes = 1 + design + (Cue.INVERSE_CONSISTENCY in measurement.cues)
    if measurement.expected is not None:
        shipped = measurement.expected
        found.append(Prediction(SHIPPED, passes, shipped.expected_error, shipped.error_bound))
    if left_out is not None:
        maps = left_out.maps
        found.append(Prediction(CALIBRATED, passes, maps.expected_error, maps.error_bound))
    return found


def figures(prediction: Prediction, error: Tensor) -> dict[str, float]:
    """Return the figures of merit of a map; those in mm only where it is an expected error."""
    values = prediction.values
    found = {
        "pearson": pearson(values, error),
        "spearman": spearman(values, error),
        "naurc": normalised_risk_coverage(values, error),
        "aurc_mm": risk_coverage_area(values, error),
        "ause": sparsification_error(values, error),
    }
    if prediction.bound is not None:
        found |= {
            "mae_mm": mean_absolute_error(values, error),
            "calibration_error_mm": calibration_error(values, error),
            "coverage": coverage(prediction.bound, error),
            "sharpness_mm": sharpness(prediction.bound),
        }
    return found


def by_structure(
    prediction: Prediction, error: Tensor, labels: Tensor
) -> Mapping[int, dict[str, float]]:
    """Return the figures within each structure.

    Parameters
    ----------
    labels
        int [n]: the structure of every voxel that counts; 0 belongs to none.
    """
    found = {}
    for label in labels.unique().tolist():
        inside = labels == label
        if label == 0 or int(inside.sum()) < 2:
            continue
        bound = None if prediction.bound is None else prediction.bound[inside]
        part = Prediction(prediction.method, prediction.passes, prediction.values[inside], bound)
        found[int(label)] = figures(part, error[inside]) | {"error_mm": float(error[inside].mean())}
    return found
