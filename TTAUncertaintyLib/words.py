"""How times are said to a person."""

from __future__ import annotations

import math


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
