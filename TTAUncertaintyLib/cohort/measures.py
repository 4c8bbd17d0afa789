"""What is measured on a pair's bundle for the tables: image, landmarks, structures.

What cannot be measured is left out, and a sentence says why: the registration is done all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import TTAUncertaintyError
from ..evaluation.known_labels import evaluate_known_labels
from ..evaluation.known_landmarks import evaluate_known_landmarks
from ..evaluation.known_result import KnownResult
from ..geometry import StoredImage, read_stored, read_stored_labels
from ..results import Bundle, MapKind
from ..review import foreground_of
from ..review.structures import structure_statistics
from .pairs import Pair

Row = dict[str, Any]


@dataclass
class Measures:
    """What a pair's rows in the tables hold."""

    #: By column of the table of pairs.
    values: Row
    #: A row a structure, by column of the table of structures.
    structures: list[Row] = field(default_factory=list)
    #: What could not be measured, in sentences.
    remarks: list[str] = field(default_factory=list)


def measure(bundle: Bundle, pair: Pair, above_mm: float | None = None) -> Measures:
    """Measure a bundle.

    Parameters
    ----------
    bundle
        Of the pair.
    pair
        Its labels and landmarks, where it has some.
    above_mm
        A person's tolerance: which share of the region lies above it.
    """
    found = Measures(_from_record(bundle.record))
    has_labels = "fixed_labels" in pair.files or "moving_labels" in pair.files
    if above_mm is None and not has_labels and "fixed_landmarks" not in pair.files:
        return found
    try:
        result = KnownResult.of(bundle)
        if above_mm is not None:
            found.values |= _above(bundle, result, pair, above_mm)
        if "fixed_landmarks" in pair.files:
            found.values |= _at_landmarks(result, pair)
        if has_labels:
            found.structures = _structures(result, pair, above_mm)
            overlaps = [row["dice"] for row in found.structures if row.get("dice") is not None]
            if overlaps:
                found.values["dice_mean"] = float(np.mean(overlaps))
    except TTAUncertaintyError as error:
        found.remarks.append(str(error))
    return found


def region_of(fixed: Path, mask: Path | None) -> tuple[StoredImage, NDArray[np.bool_]]:
    """Return the fixed image and where statistics are taken: the mask, or the foreground.

    The last one is remembered: a template is the fixed image of all.
    """
    return _region(fixed, mask, fixed.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _region(fixed: Path, mask: Path | None, _changed: int) -> tuple[StoredImage, NDArray[np.bool_]]:
    image = read_stored(fixed)
    values = np.nan_to_num(image.values.astype(np.float32))
    return image, foreground_of(values) if mask is None else read_stored_labels(mask).values > 0


def _from_record(record: dict[str, Any]) -> Row:
    """Return what the record says already."""
    summary, known = record["summary"], record.get("convergence")
    values: Row = {
        "complete": record["complete"],
        "passes": record["passes"]["done"],
        "device": record["execution"]["device"],
        "precision": record["execution"]["precision"],
    }
    for kind in MapKind:
        statistics = summary["maps"].get(kind.value)
        if statistics is not None:
            for name in ("mean", "median", "p95", "maximum"):
                values[f"{kind.value}_{name}"] = statistics.get(name)
    values |= {
        "folded_share": summary["folded_fraction"],
        "covered_share": summary["region_covered_fraction"],
        "map_known_to_mm": None if known is None else known["standard_error_mm"],
    }
    if record.get("calibrated"):
        outside = record["calibration"]["region_outside_fraction"]
        values["outside_calibration_share"] = outside
    if summary["hot_spots"]:
        position = summary["hot_spots"][0]["position_ras_mm"]
        axes = ("r", "a", "s")
        values |= {f"worst_{axis}_mm": x for axis, x in zip(axes, position, strict=True)}
    return values | {
        "model": record["model"].get("name", ""),
        "design": record["design"]["name"],
        "version": record["versions"]["ttauncertainty"],
        "torch_version": record["versions"].get("torch", ""),
        "created": record["created"],
    }


def _above(bundle: Bundle, result: KnownResult, pair: Pair, above_mm: float) -> Row:
    key = MapKind.foremost(bundle.map_files).value
    volume = next((volume for volume in result.maps if volume.key == key), None)
    if volume is None:
        return {}
    inside = volume.on(result.fixed_lattice).values[
        region_of(pair.files["fixed"], pair.files.get("mask"))[1]
    ]
    inside = inside[np.isfinite(inside)]
    return {"above_share": float((inside > above_mm).mean()) if inside.size else None}


def _at_landmarks(result: KnownResult, pair: Pair) -> Row:
    found = evaluate_known_landmarks(
        result, pair.files["fixed_landmarks"], pair.files["moving_landmarks"]
    )
    before = [one.before_mm for one in found.findings]
    after = [one.after_mm for one in found.findings]
    return {
        "landmarks": len(after),
        "landmark_distance_before_mean_mm": float(np.mean(before)),
        "landmark_error_mean_mm": float(np.mean(after)),
        "landmark_error_median_mm": float(np.median(after)),
        "landmark_error_maximum_mm": float(np.max(after)),
    }


def _structures(result: KnownResult, pair: Pair, above_mm: float | None) -> list[Row]:
    """Return every map over every structure; overlap too, where both images have labels.

    Where the fixed image has none, the registration carries those of the moving image over.
    """
    both = "fixed_labels" in pair.files and "moving_labels" in pair.files
    if "fixed_labels" in pair.files:
        labels = read_stored_labels(pair.files["fixed_labels"]).values
    else:
        moving = read_stored_labels(pair.files["moving_labels"]).to_itk()
        target = result.fixed_lattice.blank_itk_image()
        moved = sitk.Resample(moving, target, result.transform, sitk.sitkNearestNeighbor, 0)
        labels = sitk.GetArrayFromImage(moved)
    rows: dict[int, Row] = {}
    for one in structure_statistics(
        result.maps, labels.astype(np.int64), {}, above_mm, result.fixed_lattice
    ):
        row = rows.setdefault(
            one.label,
            {"pair": pair.name, "label": one.label, "volume_cm3": one.volume_cm3},
        )
        for name in ("mean", "median", "p95", "maximum"):
            row[f"{one.map_key}_{name}"] = getattr(one, name)
        if one.share_above is not None:
            row[f"{one.map_key}_above_share"] = one.share_above
    if both:
        for known in evaluate_known_labels(
            result, pair.files["fixed_labels"], pair.files["moving_labels"]
        ):
            row = rows.setdefault(known.label, {"pair": pair.name, "label": known.label})
            row["dice_before"] = None if known.before is None else known.before.dice
            row["dice"] = None if known.after is None else known.after.dice
            if known.after is not None and known.after.surface is not None:
                row["surface_distance_mean_mm"] = known.after.surface.mean_mm
    return [rows[label] for label in sorted(rows)]
