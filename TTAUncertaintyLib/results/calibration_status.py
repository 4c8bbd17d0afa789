"""What a record says of its calibration, in a few words: the same wherever a result is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: From this share of the region on, what lies outside the calibrated range limits the result.
WORTH_A_WARNING = 0.1


def calibration_words(record: Mapping[str, Any]) -> str:
    """Return "calibrated on 12 registrations of 4 subjects, 2026-11-23", or "not calibrated".

    Parameters
    ----------
    record
        The content of a bundle's `result.json`; older ones know nothing of calibrations.
    """
    if not record.get("calibrated"):
        return "not calibrated"
    made = record.get("calibration", {}).get("provenance", {})
    words = "calibrated"
    if "cases" in made:
        words += f" on {made['cases']} registrations"
        if made.get("images"):
            words += f" of {len(made['images'])} subjects"
    return f"{words}, {made['date']}" if "date" in made else words


def why_not_calibrated(record: Mapping[str, Any]) -> str:
    """Return why a result has no expected error, in a sentence; empty where nothing was said."""
    return str(record.get("calibration", {}).get("why_not", ""))


def outside_words(record: Mapping[str, Any]) -> str:
    """Return how much lies outside the calibrated range, in a sentence; empty without one.

    The same place is outlined in the views.
    """
    if not record.get("calibrated"):
        return ""
    share = 100 * float(record.get("calibration", {}).get("region_outside_fraction", 0.0))
    much = "none" if share == 0 else "less than 0.1 %" if share < 0.1 else f"{share:.1f} %"
    return f"Outlined in pink: outside the calibrated range, {much} of the region."
