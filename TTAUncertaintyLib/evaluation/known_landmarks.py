"""Truth that exists: landmarks that a person placed on both images of a result.

A target registration error is an error of the transform, known at a few points, and no better
than the points are placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..results.maps import MapKind
from ..review.landmark_files import check_inside, pair_points, read_points
from ..review.landmarks import LandmarkFinding, evaluate_landmarks, point_map
from ..review.map_volume import MapVolume
from ..strict_json import plain
from .known_result import KnownResult
from .metrics import coverage, pearson, spearman

#: A correlation over fewer points says nothing.
_FEWEST_POINTS = 5


@dataclass(frozen=True)
class MapAtLandmarks:
    """How a map goes along with the target registration error, over landmarks."""

    #: Of the map.
    key: str
    title: str
    unit: str
    #: How many lie where the map has an estimate.
    landmarks: int
    #: Correlation with the target registration error; None for fewer than five landmarks, and
    #: where the map or the error is the same at all of them.
    pearson: float | None
    spearman: float | None
    #: For the error bound of a calibration: share of the landmarks whose error lies at or below
    #: it; None for other maps.
    coverage: float | None


@dataclass(frozen=True)
class KnownLandmarks:
    """A result against landmarks."""

    #: Distance before and after, and the maps, at every landmark.
    findings: tuple[LandmarkFinding, ...]
    #: Over all landmarks.
    maps: tuple[MapAtLandmarks, ...]
    #: For a person: by what the points were paired.
    paired: str

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; None where there is no value."""
        return {
            "paired": self.paired,
            "landmarks": [
                {
                    "name": found.pair.name,
                    "fixed_lps_mm": list(found.pair.fixed_lps_mm),
                    "moving_lps_mm": list(found.pair.moving_lps_mm),
                    "distance_before_mm": found.before_mm,
                    "target_registration_error_mm": found.after_mm,
                    "maps": plain(found.at_fixed),
                    "why": [one.as_dict() for one in found.why],
                }
                for found in self.findings
            ],
            "maps": {
                one.key: {
                    "landmarks": one.landmarks,
                    "pearson": one.pearson,
                    "spearman": one.spearman,
                    "coverage": one.coverage,
                }
                for one in self.maps
            },
        }


def evaluate_known_landmarks(result: KnownResult, fixed: Path, moving: Path) -> KnownLandmarks:
    """Measure a result on the points of two files.

    Parameters
    ----------
    fixed, moving
        Files of points on the fixed and on the moving image; see `read_points`.

    Raises
    ------
    InputError
        If the files cannot be read, do not fit together, or hold points outside their image.
    """
    paired = pair_points(read_points(fixed), read_points(moving))
    check_inside(paired.pairs, result.fixed_lattice, result.moving_lattice)
    findings = evaluate_landmarks(paired.pairs, point_map(result.transform), result.maps)
    return KnownLandmarks(
        tuple(findings), tuple(_agreement(volume, findings) for volume in result.maps), paired.how
    )


def _agreement(volume: MapVolume, findings: Sequence[LandmarkFinding]) -> MapAtLandmarks:
    values = torch.tensor([found.at_fixed[volume.key] for found in findings], dtype=torch.float64)
    errors = torch.tensor([found.after_mm for found in findings], dtype=torch.float64)
    there = values.isfinite()
    values, errors = values[there], errors[there]
    enough = len(values) >= _FEWEST_POINTS and _differ(values) and _differ(errors)
    is_bound = volume.key == MapKind.ERROR_BOUND.value
    return MapAtLandmarks(
        volume.key,
        volume.title,
        volume.unit,
        len(values),
        pearson(values, errors) if enough else None,
        spearman(values, errors) if enough else None,
        coverage(values, errors) if is_bound and len(values) else None,
    )


def _differ(values: Tensor) -> bool:
    """Tell whether values differ by more than interpolation rounds."""
    return bool(values.std() > 1e-6 * values.abs().max())
