"""How far carried structures are from the truth, learnt where people drew the same structures.

Three things are said of a structure, each log-linear in a few features x of it,

    q = exp(bias + sum of weight * ln clip(x, low, high))

    volume    the truth lies between V exp(-f q) and V exp(f q), for the stated share of structures
    Dice      1 / (1 + q), expected
    surface   q mm, expected mean distance

The factor f is conformal: a quantile of |ln(true volume / V)| / q over people who had no part in q.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from ..calibration.matching import mismatch
from ..errors import InputError
from ..resources import resources_folder
from ..strict_json import NotAllowed, OneOf, Unreadable, read_as, read_json

_SCHEMA = "ttauncertainty-structures/1"


class Feature(Enum):
    """What is known of a carried structure; the value is the key in the file."""

    VOLUME = "volume_cm3"
    #: Area of its voxels' outer faces times the mean expected error on them, over its volume.
    RELATIVE_ERROR = "relative_error"
    #: 1 minus the mean Dice coefficient of the perturbed passes with the plain answer.
    DISAGREEMENT = "disagreement"
    #: Standard deviation of the passes' volumes over the volume.
    SPREAD = "volume_spread"


@dataclass(frozen=True)
class Term:
    """What one feature contributes."""

    feature: Feature
    weight: float
    low: float
    high: float


@dataclass(frozen=True)
class LogLinear:
    """exp(bias + sum of weight * ln clip(feature, low, high))."""

    bias: float
    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        if any(not 0 < term.low <= term.high for term in self.terms):
            raise NotAllowed("has a range that is empty or not above 0")

    def value(self, features: Mapping[Feature, float]) -> float:
        """Return q; NaN where a feature is."""
        total = self.bias
        for term in self.terms:
            x = features[term.feature]
            if not math.isfinite(x):
                return math.nan
            total += term.weight * math.log(min(max(x, term.low), term.high))
        return math.exp(total)

    def outside(self, features: Mapping[Feature, float]) -> bool:
        """Tell whether a feature lies beyond what was seen."""
        return any(not t.low <= features[t.feature] <= t.high for t in self.terms)


@dataclass(frozen=True)
class StructureCalibration:
    """What was learnt, and of which network; fields are the keys of its file."""

    schema: Annotated[str, OneOf(_SCHEMA)]
    #: As in `calibration.Calibration`; it holds for any number of replicates.
    model: str
    weights_sha256: str | None
    options: Mapping[str, str]
    design: Mapping[str, Any]
    spacing_mm: float
    #: Share of the structures whose true volume lies in the interval.
    level: float
    #: q and f of the volume's interval.
    volume: LogLinear
    volume_factor: float
    #: q of the other two.
    dice: LogLinear
    surface: LogLinear
    #: Images, credit, date, and how it did on the people left out.
    provenance: Mapping[str, Any] = field(default_factory=dict)

    #: As `calibration.Calibration` has it.
    needs_reverse_pass = False

    def interval(self, features: Mapping[Feature, float]) -> tuple[float, float]:
        """Return the ends of the volume's interval, cm3; NaN where a feature is missing."""
        reach = math.exp(self.volume_factor * self.volume.value(features))
        volume = features[Feature.VOLUME]
        return volume / reach, volume * reach

    def outside(self, features: Mapping[Feature, float]) -> bool:
        """Tell whether a structure is beyond what was seen."""
        return any(part.outside(features) for part in (self.volume, self.dice, self.surface))


def read_structure_calibration(path: Path) -> StructureCalibration:
    """Read a file.

    Raises
    ------
    InputError
        If it is missing, or none that can be read.
    """
    try:
        return read_as(StructureCalibration, read_json(path))
    except (Unreadable, NotAllowed) as error:
        raise InputError(f"{path} is no calibration of structures: {error}") from error


def written(calibration: StructureCalibration) -> str:
    """Return a file's text."""

    def plain(value: Any) -> Any:
        return value.value if isinstance(value, Enum) else vars(value)

    return json.dumps(vars(calibration), default=plain, indent=1) + "\n"


@lru_cache(maxsize=1)
def shipped() -> tuple[StructureCalibration, ...]:
    """Return those that come with the software."""
    folder = resources_folder() / "Calibrations" / "Structures"
    return tuple(read_structure_calibration(path) for path in sorted(folder.glob("*.json")))


def find_structure_calibration(
    model: Mapping[str, Any], design: Mapping[str, Any], spacing_mm: float
) -> StructureCalibration | None:
    """Return what holds for a run; None where nothing does. Parameters as of `mismatch`."""
    for found in shipped():
        # replicates and their noise leave the passes' agreement nearly as it is
        same = dict(design) | {key: found.design[key] for key in ("replicates_R", "noise")}
        if mismatch(found, model, same, spacing_mm) is None:
            return found
    return None
