"""The tables of a study, its page, and what a terminal says of it: made from what lies on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import OutputError
from .columns import dictionary
from .outliers import flags
from .page import write_page
from .pairs import Pair, read_pairs, write_table
from .study import Failure, Study, write_json

Row = dict[str, Any]

#: The tables, without what their names end with.
RESULTS, STRUCTURES = "results", "structures"
_FIRST = ("pair", "group", "state", "reason", "flags")


def write_results(folder: Path, bids: bool = False) -> list[str]:
    """Write the tables and the page of a study.

    Parameters
    ----------
    folder
        Of the study.
    bids
        Also make a derivatives folder: see `derivatives`.

    Returns
    -------
    list of str
        What a terminal says.

    Raises
    ------
    InputError
        If there is no study.
    OutputError
        If something cannot be written.
    """
    study = Study.open(folder)
    pairs, _ = read_pairs(study.table)
    done, failures = study.done(), study.failures()
    rows = result_rows(pairs, done, failures)
    structures = [one for name in done for one in done[name].get("structures", [])]
    try:
        _write(study.folder / RESULTS, rows, _FIRST)
        if structures:
            _write(study.folder / STRUCTURES, structures, ("pair", "label"))
        write_page(study, rows, failures)
        if bids:
            from .derivatives import write_derivatives

            write_derivatives(study, [pair for pair in pairs if pair.name in done])
    except OSError as error:
        raise OutputError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}.",
            "Make room; 'ttauncertainty cohort status' writes tables and page again.",
        ) from error
    return _lines(study, rows)


def result_rows(
    pairs: Sequence[Pair], done: Mapping[str, Row], failures: Mapping[str, Failure]
) -> list[Row]:
    """Return a row for each pair of a table, flags among its cells."""
    rows = [_row(pair, done.get(pair.name), failures.get(pair.name)) for pair in pairs]
    for row, flag in zip(rows, flags(rows), strict=True):
        row["flags"] = flag
    return rows


def _row(pair: Pair, done: Row | None, failure: Failure | None) -> Row:
    row: Row = {"pair": pair.name, "group": pair.group, "state": "missing", "reason": ""}
    own: Row = {}
    if done is not None:
        row |= {"state": "done", "reason": " ".join(done.get("remarks", []))}
        own = done["values"]
    elif failure is not None:
        row |= {"state": "failed", "reason": f"{failure.reason} {failure.remedy}".strip()}
        own = {
            "seconds": failure.seconds,
            "attempts": failure.attempts,
            "computer": failure.computer,
        }
    taken = {*_FIRST, *own}
    carried = {f"table_{n}" if n in taken else n: value for n, value in pair.others.items()}
    return row | own | carried


def as_table(rows: Iterable[Row], first: Sequence[str] = ()) -> pa.Table:
    """Return rows as a table; a column is of numbers where all that it holds are."""
    rows = list(rows)
    names = dict.fromkeys((*first, *(name for row in rows for name in row)))
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if len(kinds) > 1:
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return pa.array(values, None if kinds else pa.string())


def _write(stem: Path, rows: Sequence[Row], first: Sequence[str]) -> None:
    table = as_table(rows, first)
    for ending in (".parquet", ".tsv"):
        write_table(stem.with_suffix(ending), table)
    write_json(stem.with_suffix(".json"), dictionary(table.column_names))


def _lines(study: Study, rows: Sequence[Row]) -> list[str]:
    counts = Counter(row["state"] for row in rows)
    said = [f"{counts['done']} of {len(rows)} pairs are done"]
    if counts["failed"]:
        said[0] += f", {counts['failed']} failed"
    if counts["missing"]:
        said[0] += f", {counts['missing']} are missing"
    said += [f"  {row['pair']}: {row['reason']}" for row in rows if row["state"] == "failed"][:10]
    flagged = sum(bool(row["flags"]) for row in rows)
    if flagged:
        said.append(f"{flagged} stand out from their group: a flag where to look, no verdict.")
    return [*said, f"Page: {study.folder / 'index.html'}"]
