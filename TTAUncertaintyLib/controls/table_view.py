"""A table as it is to be seen, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """What stands over a column.

    Parameters
    ----------
    title, unit
        What it holds; the unit is "" for words and counts.
    words
        Whether it holds words, which stand on the left.
    spare
        Left out where there is little room.
    """

    title: str
    unit: str = ""
    words: bool = False
    spare: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Parameters
    ----------
    cells
        One for each heading.
    verdict
        Value of the `Verdict` that the last cell says; "" for none.
    about
        More about it, for a tool tip.
    """

    cells: tuple[str, ...]
    verdict: str = ""
    about: str = ""


@dataclass(frozen=True)
class TableView:
    """Rows under headings; without a title where the words around say what it is."""

    headings: tuple[Heading, ...] = ()
    rows: tuple[Row, ...] = ()
    title: str = ""


def number(value: float | None, decimals: int = 2) -> str:
    """Write a number; a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{decimals}f}"


def percent(share: float | None) -> str:
    """Write a share of 1 as per cent; a dash where there is none."""
    if share is None or not math.isfinite(share):
        return "–"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def position(ras_mm: Sequence[float]) -> str:
    """Write a position in RAS, mm, with the letters that say which side: "R 12, A 4, S 30"."""
    return ", ".join(
        f"{plus if value >= 0 else minus} {abs(value):.0f}"
        for value, plus, minus in zip(ras_mm, "RAS", "LPI", strict=True)
    )
