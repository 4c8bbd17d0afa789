"""The calibrations that turn disagreement into the expected error of a given transform."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..calibration import Calibration, mismatch, read_calibration
from ..resources import resources_folder


@lru_cache(maxsize=1)
def shipped_audit_calibrations() -> tuple[Calibration, ...]:
    """Return those that come with the software."""
    folder = resources_folder() / "Calibrations" / "Audits"
    return tuple(read_calibration(path) for path in sorted(folder.glob("*.json")))


def find_audit_calibration(
    model: Mapping[str, Any], design: Mapping[str, Any], spacing_mm: float
) -> Calibration | None:
    """Return the one for a second opinion; None where there is none. Parameters: see `mismatch`."""
    for calibration in shipped_audit_calibrations():
        if mismatch(calibration, model, design, spacing_mm) is None:
            return calibration
    return None
