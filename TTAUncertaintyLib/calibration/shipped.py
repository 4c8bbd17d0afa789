"""The calibrations that come with the software."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..resources import resources_folder
from .calibration import Calibration, read_calibration
from .matching import mismatch


def calibrations_folder() -> Path:
    """Return where they lie."""
    return resources_folder() / "Calibrations"


@lru_cache(maxsize=1)
def shipped_calibrations() -> tuple[Calibration, ...]:
    """Return all of them."""
    return tuple(read_calibration(path) for path in sorted(calibrations_folder().glob("*.json")))


def find_calibration(
    model: Mapping[str, Any],
    design: Mapping[str, Any],
    spacing_mm: float,
    reverse_pass: bool = True,
) -> Calibration | None:
    """Return the calibration that holds for a run; None where there is none.

    Parameters
    ----------
    model, design, spacing_mm, reverse_pass
        As in `mismatch`.
    """
    for calibration in shipped_calibrations():
        if mismatch(calibration, model, design, spacing_mm, reverse_pass) is None:
            return calibration
    return None
