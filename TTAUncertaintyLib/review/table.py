"""A table with units, from which CSV, the scene and the report are made alike."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import OutputError
from ..whole_files import written_whole

Cell = str | int | float | None

#: What a spreadsheet takes for the beginning of a formula (OWASP: CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    #: "mm", "%", ...; "" where it holds words or counts.
    unit: str = ""
    digits: int = 2

    @property
    def heading(self) -> str:
        """Title and unit: "Peak (mm)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def shown(self, cell: Cell) -> str:
        """Return a cell as a person reads it; "–" where there is no value."""
        if isinstance(cell, float):
            return f"{cell:.{self.digits}f}" if math.isfinite(cell) else "–"
        return "–" if cell is None else str(cell)


@dataclass(frozen=True)
class Table:
    """Rows under columns."""

    #: For names of files and nodes, for example "hot_spots".
    key: str
    title: str
    columns: tuple[Column, ...]
    #: Each with one cell per column.
    rows: tuple[tuple[Cell, ...], ...] = field(default=())

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"A row of the table {self.title} does not fit its columns.")

    def column(self, heading: str) -> list[Cell]:
        """Return the cells under a heading."""
        number = [column.heading for column in self.columns].index(heading)
        return [row[number] for row in self.rows]


def csv_text(table: Table) -> str:
    """Return a table as CSV after RFC 4180: commas, CR LF, quotes where they are needed.

    Notes
    -----
    Numbers have six significant digits and a point. A cell without a value is empty. Words that
    a spreadsheet would run as a formula get an apostrophe in front.
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([column.heading for column in table.columns])
    for row in table.rows:
        writer.writerow([_csv_cell(cell) for cell in row])
    return stream.getvalue()


def write_csv(path: Path, table: Table) -> None:
    """Write a table as a CSV file, whole or not at all.

    The file is UTF-8 and begins with a byte order mark: without it Excel misreads umlauts. In
    Python, open it as "utf-8-sig".

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_whole(path, csv_text(table).encode("utf-8-sig"))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that it is whole or untouched.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, alone=False) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}.",
            "Close it if it is open elsewhere, free some space, or choose another place.",
        ) from error


def _csv_cell(cell: Cell) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6g}" if math.isfinite(cell) else ""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell


def percent_or_none(share: float | None) -> float | None:
    """Return a share of 1 in percent."""
    return None if share is None else 100 * share


def ras(position_lps_mm: Sequence[float]) -> tuple[float, float, float]:
    """Return a world point, LPS mm, as Slicer shows it: RAS."""
    x, y, z = position_lps_mm
    return -x, -y, z
