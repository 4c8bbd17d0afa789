"""The tables of an evaluation's page; the best of each column is marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..results_table import METRICS, Evaluation, Interval
from .methods import Shown
from .templates import two

#: Of every map, and of those in mm alone.
RANKING, IN_MM = (
    ("pearson", "spearman", "naurc", "aurc_mm", "ause"),
    ("mae_mm", "calibration_error_mm", "coverage", "sharpness_mm"),
)


@dataclass(frozen=True)
class Cell:
    """A figure of a method: NaN where there is none; whether it is the best of its column."""

    value: float
    interval: Interval | None
    best: bool


@dataclass(frozen=True)
class MethodsTable:
    """Methods, each with a cell under every heading."""

    headings: Sequence[str]
    rows: Sequence[tuple[Shown, Sequence[Cell]]]


def over_all_cases(methods: Sequence[Shown], keys: Sequence[str]) -> MethodsTable:
    """Return the means of figures over all cases; figures that no method has are left out."""
    methods = [one for one in methods if any(key in one.summary.metrics for key in keys)]
    keys = [key for key in keys if any(key in one.summary.metrics for one in methods)]
    columns = []
    for key in keys:
        found = [one.summary.metrics.get(key) for one in methods]
        columns.append(_column(key, [m.mean if m else math.nan for m in found], found))
    return _table(methods, [METRICS[key].heading for key in keys], columns)


def over_kinds(
    evaluation: Evaluation, methods: Sequence[Shown], kinds: Sequence[str], key: str
) -> MethodsTable:
    """Return the means of one figure over the cases of each kind of deformation."""
    columns = []
    for kind in kinds:
        means = []
        for one in methods:
            values = [
                case.metrics[key]
                for case in evaluation.cases
                if case.method == one.summary.method and case.kind == kind and key in case.metrics
            ]
            values = [value for value in values if math.isfinite(value)]
            means.append(sum(values) / len(values) if values else math.nan)
        columns.append(_column(key, means, [None] * len(means)))
    return _table(methods, kinds, columns)


def structure_rows(
    evaluation: Evaluation, methods: Sequence[Shown]
) -> tuple[list[tuple[bool, str]], list[Sequence[object]]]:
    """Return headings (whether they are over words) and rows: the figures within structures."""
    numbers = {one.summary.method: one.number for one in methods}
    found = sorted(evaluation.structures, key=lambda s: (s.structure, numbers.get(s.method, 10**6)))
    keys = [key for key in METRICS if any(key in row.metrics for row in found)]
    headings = [(False, "Structure"), (True, "Map"), (False, "Cases"), (False, "Mean error (mm)")]
    headings += [(False, METRICS[key].heading) for key in keys]
    rows: list[Sequence[object]] = []
    for row in found:
        figures = (row.metrics.get(key, math.nan) for key in keys)
        rows.append((row.structure, row.method, row.cases, row.error_mean_mm, *figures))
    return headings, rows


def _column(key: str, values: Sequence[float], intervals: Sequence[Interval | None]) -> list[Cell]:
    """Return cells; those that read as the best are marked: what looks the same is the same."""
    merits = {n: METRICS[key].merit(v) for n, v in enumerate(values) if math.isfinite(v)}
    top = two(values[max(merits, key=lambda n: merits[n])]) if len(merits) > 1 else ""
    return [Cell(v, i, two(v) == top) for v, i in zip(values, intervals, strict=True)]


def _table(
    methods: Sequence[Shown], headings: Sequence[str], columns: Sequence[Sequence[Cell]]
) -> MethodsTable:
    cells = zip(*columns, strict=True) if columns else ([] for _ in methods)
    return MethodsTable(headings, list(zip(methods, cells, strict=True)))
