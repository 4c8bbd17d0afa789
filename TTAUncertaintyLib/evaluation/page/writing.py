"""Writing the folder of an evaluation: complete or absent."""

from __future__ import annotations

import json
from pathlib import Path

from ...results.folder import new_folder
from ...results.layout import Layout
from ...review.table import Cell, Column, Table, write_csv
from ..results_table import METRICS, Evaluation
from .page import make_page

EVALUATION_FILE = "evaluation.json"
PAGE_FILE = "evaluation.html"
CASES_FILE, METHODS_FILE = "cases.csv", "methods.csv"
#: What the folder of an evaluation holds.
EVALUATION = Layout.of(EVALUATION_FILE, (PAGE_FILE, CASES_FILE, METHODS_FILE))


def write_evaluation(folder: Path, evaluation: Evaluation, overwrite: bool = False) -> None:
    """Write an evaluation as JSON, as CSV, and as a page.

    Raises
    ------
    OutputError
        If the folder is taken, or cannot be written.
    """
    with new_folder(folder, overwrite, EVALUATION) as partial:
        text = json.dumps(evaluation.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (partial / EVALUATION_FILE).write_text(text + "\n", encoding="utf-8")
        write_csv(partial / CASES_FILE, cases_table(evaluation))
        write_csv(partial / METHODS_FILE, methods_table(evaluation))
        (partial / PAGE_FILE).write_text(make_page(evaluation), encoding="utf-8")


def cases_table(evaluation: Evaluation) -> Table:
    """Return every map of every case, under the keys of the figures of merit."""
    keys = [key for key in METRICS if any(key in case.metrics for case in evaluation.cases)]
    heads = ("case", "subject", "kind", "method", "passes", *keys)
    rows: list[tuple[Cell, ...]] = [
        (
            *(case.case, case.subject, case.kind, case.method, case.passes),
            *(case.metrics.get(key) for key in keys),
        )
        for case in evaluation.cases
    ]
    return Table("cases", "Cases", tuple(Column(head) for head in heads), tuple(rows))


def methods_table(evaluation: Evaluation) -> Table:
    """Return every method's means with the ends of their intervals."""
    keys = [key for key in METRICS if any(key in s.metrics for s in evaluation.summaries)]
    heads = ["method", "passes", "cases"]
    heads += [f"{key}{end}" for key in keys for end in ("", "_low", "_high")]
    rows = []
    for summary in evaluation.summaries:
        cells: list[Cell] = [summary.method, summary.passes, summary.cases]
        for key in keys:
            found = summary.metrics.get(key)
            cells += (found.mean, found.low, found.high) if found else (None, None, None)
        rows.append(tuple(cells))
    return Table("methods", "Methods", tuple(Column(head) for head in heads), tuple(rows))
