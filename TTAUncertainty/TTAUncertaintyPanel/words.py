"""How the numbers of the panel are said."""

from __future__ import annotations

import math
from typing import Any


def number(value: float | None, decimals: int = 2) -> str:
    """Write a number for a table; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{decimals}f}"


def percent(share: float | None) -> str:
    """Write a share of 1 as per cent; a dash where there is none."""
    if share is None or not math.isfinite(share):
        return "–"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def position(ras: Any) -> str:
    """Write a position in RAS, mm, with the letters that say which side: "R 12, A 4, S 30"."""
    return ", ".join(
        f"{plus if value >= 0 else minus} {abs(value):.0f}"
        for value, plus, minus in zip(ras, "RAS", "LPI", strict=True)
    )
