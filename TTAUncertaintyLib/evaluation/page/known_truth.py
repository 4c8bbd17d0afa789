"""The folder of a result that was held against landmarks and labels."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...results.folder import new_folder
from ...results.maps import MapKind
from ...results.naming import input_name
from ...results.report.words import mm, text
from ...results.review_report_decision import written_date
from ...review.map_volume import MapVolume
from ...review.table import Cell, Column, Table, write_csv
from .. import known_tables
from ..known_labels import NOT_AN_ERROR, LabelFinding
from ..known_landmarks import KnownLandmarks
from .page import document
from .plots import svg, value_axis

SCHEMA_VERSION = 1
TRUTH_FILE, TRUTH_PAGE = "known_truth.json", "known_truth.html"
_WORDS = ("Remark",)
#: Maps whose values at the landmarks are drawn against the error.
_DRAWN = (MapKind.EXPECTED_ERROR, MapKind.TOTAL, MapKind.INVERSE_CONSISTENCY)


@dataclass(frozen=True, eq=False)
class KnownTruth:
    """A result and what was found where its truth is known.

    Parameters
    ----------
    record
        Of the result's bundle.
    maps
        Of the result, those in mm.
    files
        What it was held against: path and SHA-256 by role, for example "fixed_landmarks".
    landmarks
        None if no landmarks were given.
    labels
        Empty if no labels were given.
    """

    record: Mapping[str, Any]
    maps: Sequence[MapVolume]
    files: Mapping[str, Mapping[str, str]]
    landmarks: KnownLandmarks | None = None
    labels: Sequence[LabelFinding] = ()

    @property
    def tables(self) -> list[Table]:
        """All there is, as tables."""
        found = []
        if self.landmarks is not None:
            found.append(known_tables.landmarks(self.landmarks.findings, self.maps))
            found.append(known_tables.maps_at_landmarks(self.landmarks.maps))
        if self.labels:
            found.append(known_tables.labels(self.labels, self.maps))
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        return {
            "schema_version": SCHEMA_VERSION,
            "result": {key: self.record[key] for key in ("created", "model", "design")},
            "files": {role: dict(file) for role, file in self.files.items()},
            "landmarks": None if self.landmarks is None else self.landmarks.as_dict(),
            "labels": [found.as_dict() for found in self.labels],
            "about_labels": NOT_AN_ERROR,
        }


def write_known_truth(folder: Path, truth: KnownTruth, overwrite: bool = False) -> None:
    """Write what was found as JSON, as CSV, and as a page.

    Raises
    ------
    OutputError
        If the folder is taken, or cannot be written.
    """
    with new_folder(folder, overwrite, TRUTH_FILE) as partial:
        content = json.dumps(truth.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (partial / TRUTH_FILE).write_text(content + "\n", encoding="utf-8")
        for table in truth.tables:
            write_csv(partial / f"{table.key}.csv", table)
        (partial / TRUTH_PAGE).write_text(make_known_page(truth), encoding="utf-8")


def make_known_page(truth: KnownTruth) -> str:
    """Return the page as one self-contained HTML document without scripts."""
    moving, fixed = (input_name(truth.record, which) for which in ("moving", "fixed"))
    return document(
        f"{moving} registered to {fixed}",
        "A registration where its truth is known",
        (
            ("Model", str(truth.record["model"]["title"])),
            ("Registered", written_date(str(truth.record["created"]))),
        ),
        _landmarks(truth) + _labels(truth) + _files(truth),
        "The numbers lie beside this page as CSV and in known_truth.json.",
    )


def error_words(landmarks: KnownLandmarks) -> tuple[str, str]:
    """Return the distances before, and the target registration errors, in words."""
    before = [found.before_mm for found in landmarks.findings]
    after = [found.after_mm for found in landmarks.findings]
    return _in_words(before), _in_words(after)


def _in_words(values: Sequence[float]) -> str:
    return (
        f"mean {mm(float(np.mean(values)))}, median {mm(float(np.median(values)))}, largest "
        f"{mm(max(values))}"
    )


def _landmarks(truth: KnownTruth) -> str:
    known = truth.landmarks
    if known is None:
        return ""
    before, after = error_words(known)
    table, maps = truth.tables[:2]
    plots = "".join(_scatter(known, v) for v in truth.maps if MapKind(v.key) in _DRAWN)
    return (
        '<section id="landmarks"><h2>Landmarks</h2><p class="lead">The target registration error '
        "is how far the registration misses the moving image's landmark, starting from the fixed "
        "image's: an error of the transform, known at these points, and no better than they were "
        f"placed. {len(known.findings)} landmarks, paired {known.paired}.</p>"
        f'<p class="reading">Before registration: {before}. '
        f"<strong>After: {after}.</strong></p>{_table(maps)}"
        '<p class="hint">Correlations are over landmarks, and need five of them. Few landmarks '
        f'make a rough correlation.</p><div class="plots">{plots}</div>'
        f"{_table(table)}</section>"
    )


def _scatter(known: KnownLandmarks, volume: MapVolume) -> str:
    pairs = [(found.at_fixed[volume.key], found.after_mm, found.pair.name)
             for found in known.findings if math.isfinite(found.at_fixed[volume.key])]  # fmt: skip
    if not pairs:
        return ""
    x = value_axis([value for value, _, _ in pairs], upright=False, zero=True)
    y = value_axis([error for _, error, _ in pairs], zero=True)
    dots = "".join(
        f'<circle class="dot" cx="{x.at(value):.1f}" cy="{y.at(error):.1f}" r="5">'
        f"<title>{text(name)}: {value:.2f} mm, error {error:.2f} mm</title></circle>"
        for value, error, name in pairs
    )
    titles = (f"{volume.title} at the landmark (mm)", "Target registration error (mm)")
    plot = svg(x, y, titles, dots, f"{titles[1]} against {volume.title}")
    return f'<figure class="plot series-1"><h3>{text(volume.title)}</h3>{plot}</figure>'


def _labels(truth: KnownTruth) -> str:
    if not truth.labels:
        return ""
    return (
        f'<section id="labels"><h2>Structures</h2><p class="lead">{NOT_AN_ERROR}</p>'
        f'{_table(truth.tables[-1])}<p class="hint">Before: as the images stand in the world. '
        "Labels of the moving image are carried to the fixed image's voxels, each voxel taking "
        "its nearest label. Surface distance: mean over the surface voxels of both; 95\u00a0% "
        "Hausdorff: the larger one of the 95th percentiles of either way. Maps: mean over the "
        "structure on the fixed image.</p></section>"
    )


def _files(truth: KnownTruth) -> str:
    rows = "".join(
        f"<dt>{text(role.replace('_', ' ').capitalize())}</dt>"
        f"<dd>{text(file['path'])}<br><small>SHA-256 {text(file['sha256'])}</small></dd>"
        for role, file in truth.files.items()
    )
    return (
        '<section id="files"><h2>What it was held against</h2>'
        f'<dl class="record">{rows}</dl></section>'
    )


def _table(table: Table) -> str:
    """Return a table as HTML, without columns that are empty."""
    columns = list(enumerate(table.columns))
    used = [
        (n, c) for n, c in columns if any(c.shown(row[n]) not in ("", "–") for row in table.rows)
    ]
    heads = "".join(f"<th{_kind(column)}>{text(column.heading)}</th>" for _, column in used)
    rows = []
    for row in table.rows:
        cells = [_cell(column, row[n]) for n, column in used]
        rows.append(f'<tr><th scope="row">{text(row[0])}</th>{"".join(cells[1:])}</tr>')
    return (
        f'<div class="wide"><table class="numbers full"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(column: Column, value: Cell) -> str:
    shown = f"{value:,}" if isinstance(value, int) else column.shown(value)
    if isinstance(value, float):
        shown = shown.replace("-", "\u2212")
    return f"<td{_kind(column)}>{text(shown)}</td>"


def _kind(column: Column) -> str:
    return ' class="words"' if column.title in _WORDS else ""
