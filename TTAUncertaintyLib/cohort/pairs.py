"""The table of a cohort: a row a pair, in TSV, CSV or Parquet."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as text_tables
import pyarrow.parquet as parquet

from ..errors import InputError
from ..processes import HOST

#: Columns that name a file, relative to the table; the first two have to be there.
FILE_COLUMNS = (
    "fixed",
    "moving",
    "fixed_labels",
    "moving_labels",
    "fixed_landmarks",
    "moving_landmarks",
    "mask",
    "initial_transform",
)

#: Columns with a meaning; every other one is carried through to the results.
COLUMNS = ("pair", *FILE_COLUMNS, "model", "preset", "group")

#: Longest name of a pair: it becomes a folder's.
_LONGEST = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(?<!\.)(?<!\.partial)(?<!\.aside)")

_DELIMITERS = {".tsv": "\t", ".csv": ","}
_KINDS = "Give a table as .tsv, .csv or .parquet; its columns are 'pair', 'fixed' and 'moving'."


@dataclass(frozen=True)
class Pair:
    """Two images that are to be registered, and what is known of them."""

    #: Of the pair, and of its folder in the study.
    name: str
    #: Where it stands, as a spreadsheet counts: the titles are row 1.
    row: int
    #: Absolute paths by the name of their column; "fixed" and "moving" among them.
    files: Mapping[str, Path]
    #: Instead of the study's; empty for the study's own.
    model: str = ""
    preset: str = ""
    #: Empty where the table has none.
    group: str = ""
    #: Every other column, in the table's order.
    others: Mapping[str, str] = field(default_factory=dict)

    def as_row(self, folder: Path) -> dict[str, str]:
        """Return the row of a table that lies in a folder."""
        files = dict(zip(self.files, relative(self.files.values(), folder), strict=True))
        known = {"pair": self.name} | files
        given = {"model": self.model, "preset": self.preset, "group": self.group}
        return known | {name: value for name, value in given.items() if value} | dict(self.others)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row; row 0 is the table as a whole."""

    row: int
    pair: str
    text: str

    def __str__(self) -> str:
        """Return a line for a person."""
        where = f"row {self.row}" + (f" ({self.pair})" if self.pair else "")
        return f"{where}: {self.text}" if self.row else self.text


def read_pairs(path: Path) -> tuple[list[Pair], list[Problem]]:
    """Read a table.

    Returns
    -------
    list of Pair, list of Problem
        The rows that can be understood, and what is wrong with the others: a cell that has to be
        filled and is not, a name that no folder can have, a name that is there twice.

    Raises
    ------
    InputError
        If the file is no such table.
    """
    table = read_table(path)
    for name in ("pair", "fixed", "moving"):
        if name not in table.column_names:
            raise InputError(f"{path} has no column '{name}'.", _KINDS)
    folder = path.absolute().parent
    pairs: list[Pair] = []
    problems: list[Problem] = []
    rows: dict[str, int] = {}
    for number, row in enumerate(table.to_pylist(), start=2):
        pair = _pair(row, number, folder)
        said = _wrong_with(row)
        first = rows.setdefault(pair.name.lower(), number)
        if first != number:  # some disks do not tell capital letters apart
            said.append(f"the pair's name is that of row {first} already.")
        problems += [Problem(number, pair.name, text) for text in said]
        if not said:
            pairs.append(pair)
    if not table.num_rows:
        problems.append(Problem(0, "", f"{path} has no rows."))
    return pairs, problems


def read_table(path: Path) -> pa.Table:
    """Read a table whose cells are all text; an empty cell is empty text.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            table = parquet.read_table(path)
        elif path.suffix.lower() in _DELIMITERS:
            table = _read_text(path)
        else:
            raise InputError(f"{path} is no table that is known here.", _KINDS)
        columns = [_as_text(column) for column in table.columns]
    except (pa.ArrowException, OSError, ValueError) as error:
        said = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise InputError(f"{path} cannot be read as a table: {said}.", _KINDS) from error
    names = [name.strip() for name in table.column_names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path} has more than one column '{twice[0]}'.", "Give each its name.")
    return pa.table(columns, names=names)


def write_pairs(path: Path, pairs: Sequence[Mapping[str, str]]) -> None:
    """Write rows as a table of the kind that its name ends with, beside its place first.

    Parameters
    ----------
    path
        A file that may be there already.
    pairs
        Cells by column; a column that a row has not is empty there.
    """
    names = list(dict.fromkeys(name for row in pairs for name in row))
    table = pa.table({name: [row.get(name, "") for row in pairs] for name in names})
    write_table(path, table)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as .tsv, .csv or .parquet, beside its place first.

    Raises
    ------
    InputError
        If its name ends otherwise.
    OSError
        If it cannot be written.
    """
    partial = beside(path)
    delimiter = _DELIMITERS.get(path.suffix.lower())
    if path.suffix.lower() == ".parquet":
        parquet.write_table(table, partial)
    elif delimiter is not None:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
            writer.writerow(table.column_names)
            writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    else:
        raise InputError(f"{path} is no table that is known here.", _KINDS)
    partial.replace(path)


def beside(path: Path) -> Path:
    """Return the name that a file has while this process writes it: others may do the same."""
    return path.with_name(f".{path.name}.{HOST}-{os.getpid()}.partial")


def relative(files: Iterable[Path], folder: Path) -> list[str]:
    """Return paths as a table in a folder names them: relative, where that is possible."""
    found = []
    for file in files:
        try:
            found.append(os.path.relpath(file, folder))
        except ValueError:  # another drive
            found.append(str(file.absolute()))
    return found


def _read_text(path: Path) -> pa.Table:
    parse = text_tables.ParseOptions(
        delimiter=_DELIMITERS[path.suffix.lower()], newlines_in_values=True
    )
    # the titles first, so that every column can be asked for as text
    with text_tables.open_csv(path, parse_options=parse) as reader:
        names = reader.schema.names
    convert = text_tables.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    return text_tables.read_csv(path, parse_options=parse, convert_options=convert)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as compute

    return compute.fill_null(column.cast(pa.string()), "")


def _pair(row: Mapping[str, str], number: int, folder: Path) -> Pair:
    cells = {name: value.strip() for name, value in row.items()}
    return Pair(
        cells["pair"],
        number,
        {name: folder / cells[name] for name in FILE_COLUMNS if cells.get(name)},
        cells.get("model", ""),
        cells.get("preset", ""),
        cells.get("group", ""),
        {name: value for name, value in cells.items() if name not in COLUMNS},
    )


def _wrong_with(row: Mapping[str, str]) -> list[str]:
    said = [f"'{name}' is empty." for name in ("pair", "fixed", "moving") if not row[name].strip()]
    name = row["pair"].strip()
    if name and not (_NAME.fullmatch(name) and len(name) <= _LONGEST):
        said.append(
            f"'{name[:_LONGEST]}' cannot be a folder's name: take letters, digits and ._+-, "
            f"{_LONGEST} at most."
        )
    for what in ("labels", "landmarks"):
        given = [row.get(f"{which}_{what}", "").strip() for which in ("fixed", "moving")]
        if what == "landmarks" and bool(given[0]) != bool(given[1]):
            said.append("there are landmarks of one image only.")
    return said
