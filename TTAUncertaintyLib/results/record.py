"""The record of a run: what `result.json` says. Schema version 1.

Keys carry their unit and frame. A reader has to refuse a higher schema version.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from ..calibration import Calibration, Head
from ..engine import Execution, Outcome, Placement
from ..geometry import ImageFile
from ..models.contract import RegistrationModel, describe
from ..perturbations import Design
from ..version import __version__
from .files import (
    DISPLACEMENT_FILE,
    MEAN_TRANSFORM_FILE,
    OUTSIDE_FILE,
    REASONS_FILE,
    REGISTRATIONS_FILE,
    REPORT_FILE,
    SCHEMA_VERSION,
    TRANSFORM_FILE,
    VARIANCES_FILE,
    WARPED_FILE,
)
from .findings import Findings
from .keep import Keep
from .labels import FILES as LABEL_FILES
from .maps import MapKind


@dataclass(frozen=True, eq=False)
class Provenance:
    """Where a result comes from."""

    fixed: ImageFile
    moving: ImageFile
    #: What was run, and how.
    model: RegistrationModel
    design: Design
    execution: Execution
    placement: Placement
    #: Wall time of each phase, by name.
    seconds: dict[str, float]
    #: Files by name: "mask" says where statistics are taken (the foreground without one), outside
    #: "fixed_mask" and "moving_mask" the network sees background, "leave_out" has no part in any
    #: statistic.
    masks: Mapping[str, ImageFile | None] = field(default_factory=dict)
    #: Of a transform that was made elsewhere; None for a run's own.
    audit: Mapping[str, Any] | None = None
    #: What the expected error comes from; None without one.
    calibration: Calibration | Head | None = None
    #: Why there is none, in a sentence.
    uncalibrated: str = ""


def make_record(
    findings: Findings,
    outcome: Outcome,
    provenance: Provenance,
    keep: Keep = Keep.COMPACT,
    registrations: bool = False,
) -> dict[str, Any]:
    """Return the JSON-ready record of a run."""
    split = MapKind.INTRINSIC in findings.maps
    files = {"report": REPORT_FILE} | _volumes(findings, keep)
    if findings.labels is not None and keep is not Keep.SUMMARY:
        files |= LABEL_FILES
    if registrations:
        files["registrations"] = REGISTRATIONS_FILE
    return {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "complete": outcome.complete,
        "keep": keep.value,
        "passes": {
            "asked": outcome.asked,
            "done": outcome.perturbed,
            "used": 0
            if outcome.variance is None
            else outcome.variance.groups * outcome.variance.replicates,
            "perturbations_used_K": 0 if outcome.variance is None else outcome.variance.groups,
        },
        "convergence": _convergence(outcome),
        "split_into_intrinsic_and_jitter": split,
        "calibrated": MapKind.EXPECTED_ERROR in findings.maps,
        "calibration": _calibration(outcome, findings, provenance),
        "inputs": {
            "fixed": provenance.fixed.as_dict(),
            "moving": provenance.moving.as_dict(),
            "mask": None,
            **{
                name: None if file is None else file.as_dict()
                for name, file in provenance.masks.items()
            },
        },
        "model": describe(provenance.model),
        "design": provenance.design.as_dict(),
        "placement": provenance.placement.as_dict(),
        "transform": {"beyond_lattice_fixed_to_moving_lps": findings.transform.initial.tolist()},
        "network_lattices": {
            "fixed": outcome.fixed_lattice.as_dict(),
            "moving": outcome.moving_lattice.as_dict(),
        },
        "execution": provenance.execution.as_dict()
        | {
            "device": outcome.device,
            "precision": outcome.precision.value,
            "precision_asked": provenance.execution.precision.value,
        },
        "seconds": {name: round(value, 3) for name, value in provenance.seconds.items()},
        "notes": list(outcome.notes),
        "audit": None if provenance.audit is None else dict(provenance.audit),
        "labels": None if findings.labels is None else findings.labels.as_dict(),
        "summary": findings.numbers.as_dict(),
        "files": files,
        "versions": {
            "ttauncertainty": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "SimpleITK": sitk.Version.VersionString(),
            "platform": platform.platform(),
        },
    }


def _convergence(outcome: Outcome) -> dict[str, Any] | None:
    """Return how well the map is known; None where fewer than three perturbations were made."""
    known = outcome.convergence
    if known is None:
        return None
    return {
        "standard_error_mm": known.standard_error_mm,
        "standard_error_fraction": known.fraction,
        "total_mm": known.total_mm,
        "tolerance_mm": outcome.tolerance_mm,
        "stopped_by_itself": outcome.converged and not outcome.whole,
    }


def _calibration(outcome: Outcome, findings: Findings, provenance: Provenance) -> dict[str, Any]:
    calibration = provenance.calibration
    if calibration is None or MapKind.EXPECTED_ERROR not in findings.maps:
        return {"why_not": provenance.uncalibrated}
    if isinstance(calibration, Head):
        name = provenance.model.description.name
        said = calibration.as_dict(name, outcome.fixed_lattice.mean_spacing)
    else:
        said = calibration.as_dict()
    return said | {"region_outside_fraction": findings.numbers.beyond_calibration}


def _volumes(findings: Findings, keep: Keep) -> dict[str, str]:
    if keep is Keep.SUMMARY:
        return {}
    files = {kind.value: kind.facts.file for kind in findings.maps} | {"warped": WARPED_FILE}
    if findings.outside is not None:
        files["outside_calibration"] = OUTSIDE_FILE
    if findings.reasons is not None:
        files["error_reasons"] = REASONS_FILE
    if keep is Keep.COMPACT:
        return files | {"transform": DISPLACEMENT_FILE}
    files["transform"] = TRANSFORM_FILE
    if findings.mean_transform is not None:
        files |= {"mean_transform": MEAN_TRANSFORM_FILE, "variances": VARIANCES_FILE}
    return files
