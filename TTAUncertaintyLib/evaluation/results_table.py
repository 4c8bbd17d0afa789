"""What an evaluation found, as plain data: the page, the CSV and the JSON file are made of it.

Needs neither torch nor images, so that a finished evaluation can be read anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..strict_json import plain

SCHEMA_VERSION = 1

#: Name of the curve that no map can beat: the voxels in the order of the error itself.
ORACLE = "the error itself"


class Better(Enum):
    """Which way a figure of merit is to go."""

    HIGHER = "higher is better"
    LOWER = "lower is better"
    NEARER = "nearer to its target is better"


@dataclass(frozen=True)
class Metric:
    """A figure of merit."""

    #: For the screen; the unit is "mm" or "".
    title: str
    unit: str
    #: Which way it is to go.
    better: Better
    #: One sentence in plain words.
    meaning: str
    #: Where `better` is NEARER: what it is to be.
    target: float = math.nan

    @property
    def heading(self) -> str:
        """Title and unit: "Mean bound (mm)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def direction(self) -> str:
        """Which way it is to go, as a sentence."""
        if self.better is Better.NEARER:
            return f"Nearer to {self.target:g} is better."
        return f"{self.better.value.capitalize()}."

    def merit(self, value: float) -> float:
        """Return a number that is the larger the better the value; NaN for NaN."""
        if self.better is Better.HIGHER:
            return value
        return -value if self.better is Better.LOWER else -abs(value - self.target)


#: Every figure of merit, by the key that scores and files use, in the order of the tables.
METRICS = {
    "pearson": Metric(
        "Pearson", "", Better.HIGHER, "Linear correlation of the map with the error over voxels."
    ),
    "spearman": Metric(
        "Spearman", "", Better.HIGHER, "Rank correlation of the map with the error over voxels."
    ),
    "naurc": Metric(
        "nAURC",
        "",
        Better.LOWER,
        "Area under the risk-coverage curve: 0 where the map orders the voxels as the error "
        "itself does, 1 where it orders them no better than chance.",
    ),
    "aurc_mm": Metric(
        "AURC",
        "mm",
        Better.LOWER,
        "The same area as it is: mean error of the share of the voxels that the map trusts most, "
        "over all shares.",
    ),
    "ause": Metric(
        "AUSE",
        "",
        Better.LOWER,
        "Area between the map's sparsification curve and that of the error itself.",
    ),
    "mae_mm": Metric(
        "Off by", "mm", Better.LOWER, "Mean distance of the expected error from the true one."
    ),
    "calibration_error_mm": Metric(
        "Off by, in bins",
        "mm",
        Better.LOWER,
        "The same over tenths of the voxels by expected error: how far the reliability curve "
        "lies from the diagonal.",
    ),
    "coverage": Metric(
        "Coverage",
        "",
        Better.NEARER,
        "Share of the voxels whose error stays below the bound that was meant to hold for 90 %.",
        0.9,
    ),
    "sharpness_mm": Metric(
        "Mean bound",
        "mm",
        Better.LOWER,
        "The bound's mean: of two bounds that hold, the smaller says more.",
    ),
}


@dataclass(frozen=True)
class CaseScore:
    """One map of one case."""

    #: Of the registration; kind is that of its deformation.
    case: str
    subject: str
    kind: str
    #: What made the map.
    method: str
    #: Passes through the network that the map takes in all, the registration included.
    passes: int
    #: Figures of merit by key of `METRICS`; NaN or left out where there is none.
    metrics: Mapping[str, float]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.metrics) - set(METRICS))
        if unknown:
            raise ValueError(f"There is no figure of merit named {', '.join(unknown)}.")


@dataclass(frozen=True)
class CaseError:
    """The true error of one registration."""

    case: str
    subject: str
    kind: str
    #: Root mean square of what had to be found.
    displacement_rms_mm: float
    #: Of what was found, over the voxels that count.
    error_mean_mm: float
    error_p95_mm: float
    #: How many count.
    voxels: int


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that it is known to lie in with 95 % confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class MethodSummary:
    """One method over all cases."""

    method: str
    passes: int
    #: How many it was scored on.
    cases: int
    #: By key of `METRICS`.
    metrics: Mapping[str, Interval]


@dataclass(frozen=True)
class StructureScore:
    """One method within one structure, mean over cases."""

    structure: str
    method: str
    #: Mean over how many.
    cases: int
    error_mean_mm: float
    #: By key of `METRICS`.
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """A line of a plot, mean over cases."""

    #: Whose; `ORACLE` for the best that there can be.
    method: str
    #: Sparsification: share of the voxels taken away, and what is left of the mean error, 1 at
    #: the beginning. Reliability: mean expected and mean true error of each bin, mm.
    x: Sequence[float]
    y: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"The curve of {self.method} has {len(self.x)} x, {len(self.y)} y.")


@dataclass(frozen=True)
class Evaluation:
    """Everything that an evaluation found."""

    title: str
    #: ISO 8601, UTC.
    created: str
    model: Mapping[str, Any]
    #: One description each: "name", "sha256", "mask" (bool).
    images: Sequence[Mapping[str, Any]]
    #: Every map of every case.
    cases: Sequence[CaseScore]
    errors: Sequence[CaseError]
    #: From `summaries.summarise`.
    summaries: Sequence[MethodSummary]
    sparsification: Sequence[Curve] = ()
    reliability: Sequence[Curve] = ()
    command: str = ""
    #: What a reader has to know, in sentences.
    notes: Sequence[str] = ()
    #: Empty without a segmentation.
    structures: Sequence[StructureScore] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; what is not finite becomes None."""
        return {"schema_version": SCHEMA_VERSION, **plain(self)}
