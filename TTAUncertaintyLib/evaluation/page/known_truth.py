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
from ...results.layout import Layout
from ...results.maps import MapKind
from ...results.naming import input_name
from ...results.report.words import mm, written_date
from ...review.map_volume import MapVolume
from ...review.table import Cell, Column, Table, write_csv
from ...review.tables import landmark_table
from ...strict_json import plain
from .. import known_tables
from ..known_labels import NOT_AN_ERROR, LabelFinding
from ..known_landmarks import KnownLandmarks
from .figures import as_svg, at_landmarks
from .templates import render

SCHEMA_VERSION = 1
TRUTH_FILE, TRUTH_PAGE = "known_truth.json", "known_truth.html"
#: What the folder holds: the page, and the tables of `known_tables` by their keys.
TRUTH = Layout.of(TRUTH_FILE, (TRUTH_PAGE, "landmarks.csv", "maps_at_landmarks.csv", "labels.csv"))
#: Maps whose values at the landmarks are drawn against the error.
_DRAWN = (MapKind.EXPECTED_ERROR, MapKind.TOTAL, MapKind.INVERSE_CONSISTENCY)


@dataclass(frozen=True, eq=False)
class KnownTruth:
    """A result and what was found where its truth is known."""

    #: Of the result's bundle.
    record: Mapping[str, Any]
    #: Of the result, those in mm.
    maps: Sequence[MapVolume]
    #: What it was held against: path and SHA-256 by role, for example "fixed_landmarks".
    files: Mapping[str, Mapping[str, str]]
    #: None if no landmarks were given.
    landmarks: KnownLandmarks | None = None
    #: Empty if no labels were given.
    labels: Sequence[LabelFinding] = ()

    @property
    def tables(self) -> list[Table]:
        """All there is, as tables."""
        found = []
        if self.landmarks is not None:
            found.append(landmark_table(self.landmarks.findings, self.maps))
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
            "labels": plain(self.labels),
            "about_labels": NOT_AN_ERROR,
        }


def write_known_truth(folder: Path, truth: KnownTruth, overwrite: bool = False) -> None:
    """Write what was found as JSON, as CSV, and as a page.

    Raises
    ------
    OutputError
        If the folder is taken, or cannot be written.
    """
    with new_folder(folder, overwrite, TRUTH) as partial:
        content = json.dumps(truth.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (partial / TRUTH_FILE).write_text(content + "\n", encoding="utf-8")
        for table in truth.tables:
            write_csv(partial / f"{table.key}.csv", table)
        (partial / TRUTH_PAGE).write_text(make_known_page(truth), encoding="utf-8")


def make_known_page(truth: KnownTruth) -> str:
    """Return the page as one self-contained HTML document without scripts."""
    moving, fixed = (input_name(truth.record, which) for which in ("moving", "fixed"))
    known = truth.landmarks
    before, after = error_words(known) if known else ("", "")
    return render(
        "known_truth.html",
        title=f"{moving} registered to {fixed}",
        kicker="A registration where its truth is known",
        facts=(
            ("Model", truth.record["model"]["title"]),
            ("Registered", written_date(str(truth.record["created"]))),
        ),
        landmarks=known,
        before=before,
        after=after,
        plots=_plots(known, truth.maps) if known else [],
        tables={"labels": None} | {table.key: _shown(table) for table in truth.tables},
        about_labels=NOT_AN_ERROR,
        files=list(truth.files.items()),
    )


def _plots(known: KnownLandmarks, maps: Sequence[MapVolume]) -> list[tuple[str, str]]:
    """Return title and plot of maps: the error against the map, a point for each landmark."""
    plots: list[tuple[str, str]] = []
    for volume in maps:
        pairs = [
            (found.at_fixed[volume.key], found.after_mm)
            for found in known.findings
            if math.isfinite(found.at_fixed[volume.key])
        ]
        if MapKind(volume.key) in _DRAWN and pairs:
            values, errors = zip(*pairs, strict=True)
            figure = at_landmarks(values, errors, volume.title)
            label = f"Target registration error against {volume.title}"
            plots.append((volume.title, as_svg(figure, label)))
    return plots


def _shown(table: Table) -> Table:
    """Return a table in words, without columns that are empty."""
    columns = [
        [_in_page(column, row[n]) for row in table.rows] for n, column in enumerate(table.columns)
    ]
    used = [n for n, cells in enumerate(columns) if set(cells) - {"", "–"}]
    rows = tuple(zip(*(columns[n] for n in used), strict=True))
    return Table(table.key, table.title, tuple(table.columns[n] for n in used), rows)


def _in_page(column: Column, value: Cell) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    shown = column.shown(value)
    return shown.replace("-", "\u2212") if isinstance(value, float) else shown


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
