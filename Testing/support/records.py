"""A record as `results.record.make_record` makes it, without what nobody reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from TTAUncertaintyLib.geometry import Lattice

from .calibrations import PROVENANCE

LATTICE = Lattice.from_geometry((4, 5, 6), (1.0, 1.5, 2.0), (-3.0, 4.0, 5.0))
_DISTRIBUTION = {"median": 0.5, "p95": 1.5, "maximum": 3.0}
RECORD: dict[str, Any] = {
    "schema_version": 1,
    "created": "2026-11-27T12:00:00+00:00",
    "complete": True,
    "passes": {"asked": 16, "done": 12, "used": 12, "perturbations_used_K": 6},
    "convergence": {
        "standard_error_mm": 0.06,
        "standard_error_fraction": 0.08,
        "total_mm": 0.7,
        "tolerance_mm": 0.07,
        "stopped_by_itself": True,
    },
    "calibrated": True,
    "calibration": {"model": "m", "region_outside_fraction": 0.02, "provenance": PROVENANCE},
    "inputs": {
        which: {"path": f"/images/{which}.nii.gz", "lattice": LATTICE.as_dict(), "sha256": "0" * 64}
        for which in ("fixed", "moving")
    },
    "model": {"title": "Pyramid flow", "weights": None},
    "design": {
        "name": "quick",
        "outer_K": 8,
        "replicates_R": 2,
        "family": "rigid",
        "sampling": "two-level",
    },
    "placement": {"initial_fixed_to_moving_lps": np.eye(4).tolist()},
    "notes": ["The images were centred."],
    "summary": {
        "region_covered_fraction": 1.0,
        "folded_fraction": 0.0,
        "maps": {"total": _DISTRIBUTION, "intrinsic": _DISTRIBUTION},
        "root_mean_variance_mm": {"total": 0.7, "intrinsic": 0.3, "jitter": 0.6},
        "hot_spots_map": "total",
        "hot_spots": [{"position_ras_mm": [1.0, 2.0, 3.0], "peak_mm": 3.0}],
    },
    "files": {
        "warped": "warped.nrrd",
        "transform": "transform.h5",
        "report": "report.html",
        "total": "total.nrrd",
    },
    "versions": {"ttauncertainty": "0.1.0"},
}
