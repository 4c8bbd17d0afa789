"""A table as it is to be seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..results.report.words import percent
from ..review.table import Cell, Column, Table

#: The column that says why an error is expected.
_WHY = "Why"


@dataclass(frozen=True)
class Heading:
    """What stands over a column."""

    title: str
    unit: str = ""
    #: Whether it holds words, which stand on the left.
    words: bool = False
    #: Left out where there is little room.
    spare: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    cells: tuple[str, ...]
    #: Value of the `Verdict` that the last cell says; "" for none.
    verdict: str = ""
    #: More about it, for a tool tip.
    about: str = ""


@dataclass(frozen=True)
class TableView:
    """Rows under headings; without a title where the words around say what it is."""

    headings: tuple[Heading, ...] = ()
    rows: tuple[Row, ...] = ()
    title: str = ""


def picked(table: Table, titles: Mapping[str, str] | None = None) -> TableView:
    """Return what is to be seen of a table of the review.

    Parameters
    ----------
    table
        The first column holds words. One that is called "Why" becomes what is said about a row.
    titles
        What its columns are called here, by their titles there; others are left out. Units are in
        these titles or in the words around. All of them, with their units, if not given.
    """
    named = [column.title for column in table.columns]
    columns = [n for n, title in enumerate(named) if not titles or title in titles]
    why = named.index(_WHY) if _WHY in named else None
    columns = [n for n in columns if n != why]
    headings = [
        Heading(titles[one.title] if titles else one.title, "" if titles else one.unit, n == 0)
        for n, one in ((n, table.columns[n]) for n in columns)
    ]
    rows = [
        Row(
            tuple(_shown(table.columns[n], row[n]) for n in columns),
            about="" if why is None else str(row[why]),
        )
        for row in table.rows
    ]
    return TableView(tuple(headings), tuple(rows), table.title)


def _shown(column: Column, cell: Cell) -> str:
    if column.unit == "%" and isinstance(cell, float) and math.isfinite(cell):
        return percent(cell / 100)
    return column.shown(cell)
