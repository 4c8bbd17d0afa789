"""How times, and how well a map is known, are said to a person."""

from __future__ import annotations

import math
from typing import Any


def duration(seconds: float) -> str:
    """Say a time: "8 s", "1 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 3600:
        return f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def about(seconds: float) -> str:
    """Say an estimate: no finer than it is known."""
    step = 5 if seconds < 60 else 15 if seconds < 600 else 60
    return duration(max(step, step * math.ceil(seconds / step)))


def millimetres(value_mm: float) -> str:
    """Say a small length with two digits: "0.031 mm", "1.2 mm"."""
    if value_mm >= 10:
        return f"{value_mm:.0f} mm"
    return f"{value_mm:.2g} mm" if value_mm >= 0.001 else "below 0.001 mm"


def standard_error(value_mm: float, fraction: float) -> str:
    """Say how well a map is known: "map known to ±0.031 mm (6 %)".

    It does not say "error": to a person that is the distance from the truth, which this is not.

    Parameters
    ----------
    fraction
        The same as a share of the map.
    """
    size = millimetres(value_mm)
    known = size if size.startswith("below") else f"±{size}"
    return f"map known to {known} ({100 * fraction:.0f} %)"


def passes_made(record: dict[str, Any]) -> str:
    """Say how many passes a result rests on, and why not all of the design's."""
    passes, known = record["passes"], record.get("convergence")
    if not record["complete"]:
        return f"stopped after {passes['done']} of {passes['asked']} perturbed passes"
    if passes["done"] < passes["asked"] and known:
        error = standard_error(known["standard_error_mm"], known["standard_error_fraction"])
        return f"converged after {passes['done']} of {passes['asked']} perturbed passes: {error}"
    return f"{passes['done']} perturbed passes"
