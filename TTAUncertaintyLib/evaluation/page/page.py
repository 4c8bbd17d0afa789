"""The page of an evaluation: what its template shows, in one file that opens offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...results.folder import new_folder
from ...results.layout import Layout
from ...results.report.words import mm, written_date
from ...review.table import Cell, Column, Table, write_csv
from ..results_table import METRICS, ORACLE, Evaluation
from . import figures
from .methods import FRONTS, ORDER, Shown, shown_methods
from .tables import IN_MM, RANKING, over_all_cases, over_kinds, structure_rows
from .templates import render, two

#: More rows than this are folded away.
_MANY = 12

_CASE_HEADINGS = (
    (False, "Case"),
    (True, "Image"),
    (True, "Deformation"),
    (False, "To be found, rms (mm)"),
    (False, "Mean error (mm)"),
    (False, "95th percentile (mm)"),
    (False, "Voxels"),
)


def make_page(evaluation: Evaluation) -> str:
    """Return the page as one self-contained HTML document without scripts."""
    methods, errors = shown_methods(evaluation.summaries), evaluation.errors
    ranked = [one for one in methods if ORDER in one.summary.metrics]
    in_mm = [one for one in methods if any(key in one.summary.metrics for key in IN_MM)]
    kinds = list(dict.fromkeys(case.kind for case in evaluation.cases))
    headings, structures = structure_rows(evaluation, methods)
    plots = {key: figures.against_passes(methods, key) for key in FRONTS}
    curves = figures.sparsification(evaluation, methods)
    reliable = figures.reliability(evaluation, methods)
    in_curves = {curve.method for curve in evaluation.reliability}
    calibrated = [one for one in methods if one.summary.method in in_curves]
    return render(
        "evaluation.html",
        title=evaluation.title,
        kicker="Evaluation of uncertainty maps",
        facts=(
            ("Model", evaluation.model.get("title", "unknown")),
            ("Images", len(evaluation.images)),
            ("Cases", len(errors)),
            ("Date", written_date(evaluation.created)),
        ),
        evaluation=evaluation,
        many=_MANY,
        kinds=list(dict.fromkeys(error.kind for error in errors)),
        subjects={error.subject for error in errors},
        asked_mm=np.mean([error.displacement_rms_mm for error in errors] or [0]),
        missed_mm=np.mean([error.error_mean_mm for error in errors] or [0]),
        leader=ranked[0] if ranked else None,
        tiles=_tiles(ranked),
        against_passes=[
            (METRICS[key], figures.as_svg(plot, f"{METRICS[key].title} against passes"))
            for key, plot in plots.items()
            if plot is not None
        ],
        ranking=over_all_cases(methods, RANKING),
        in_mm=over_all_cases(in_mm, IN_MM),
        metrics=[
            metric
            for key, metric in METRICS.items()
            if any(key in one.summary.metrics for one in methods)
        ],
        sparsification=curves and figures.as_svg(curves, "Sparsification curves"),
        sparsification_names=_names(methods, evaluation),
        reliability=reliable and figures.as_svg(reliable, "Expected against true error"),
        reliability_names=[
            *((one.css, f"{one.number} {one.title}") for one in calibrated),
            ("ideal", "Expected and true error are the same"),
        ],
        covered=[
            one.summary.metrics["coverage"]
            for one in calibrated
            if "coverage" in one.summary.metrics
        ],
        by_kind=[
            (METRICS[key].title, over_kinds(evaluation, methods, kinds, key)) for key in FRONTS
        ]
        if len(kinds) > 1
        else [],
        structure_headings=headings,
        structures=structures,
        case_headings=_CASE_HEADINGS,
        cases=[
            (
                *(one.case, one.subject, one.kind, one.displacement_rms_mm),
                *(one.error_mean_mm, one.error_p95_mm, one.voxels),
            )
            for one in errors
        ],
        model=_model(evaluation),
        images=[
            (image.get("name", "image"), _image(image.get("sha256"), bool(image.get("mask"))))
            for image in evaluation.images
        ],
    )


def _tiles(ranked: Sequence[Shown]) -> list[tuple[str, str]]:
    """Return the few numbers that are read first: the leader's, and how far a bound can be held."""
    if not ranked:
        return []
    found = ranked[0].summary.metrics
    tiles = [
        (two(found[key].mean), f"{METRICS[key].title} of the best map")
        for key in ("naurc", "pearson", "spearman")
        if key in found
    ]
    in_mm = next((one for one in ranked if "mae_mm" in one.summary.metrics), None)
    if in_mm is not None:
        calibrated = in_mm.summary.metrics
        tiles.append((mm(calibrated["mae_mm"].mean), "expected error off by"))
        if "coverage" in calibrated:
            tiles.append((f"{calibrated['coverage'].mean:.0%}", "below the 90 % bound"))
    return tiles


def _names(methods: Sequence[Shown], evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return the lines of the sparsification curves: style and name."""
    drawn = {curve.method for curve in evaluation.sparsification}
    known = [one for one in methods if one.summary.method in drawn]
    colored = [one for one in known if one.css != "rest"]
    names = [(one.css, f"{one.number} {one.title}") for one in colored]
    if len(colored) < len(known):
        names.append(("rest", f"{len(known) - len(colored)} more"))
    if ORACLE in drawn:
        names.append(("ideal", "The best order there is: by the error itself"))
    return names


def _model(evaluation: Evaluation) -> list[tuple[str, object]]:
    model = evaluation.model
    weights = model.get("weights") or {}
    rows: list[tuple[str, object]] = [
        ("Network", f"{model.get('title', 'unknown')} ({model.get('name', 'unknown')})")
    ]
    rows += [(name.capitalize(), model.get(name)) for name in ("licence", "citation")]
    rows += [(name, weights.get(key)) for name, key in (("Weights", "file"), ("SHA-256", "sha256"))]
    return [(name, value) for name, value in rows if value]


def _image(sha256: object, has_mask: bool) -> str:
    hashed = sha256 if isinstance(sha256, str) else json.dumps(sha256)
    where = "a mask says where errors count" if has_mask else "errors count in its foreground"
    return f"SHA-256 {hashed}; {where}"


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
