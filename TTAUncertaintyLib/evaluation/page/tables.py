"""The tables of an evaluation's page; the best of each column is marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...results.report.words import text
from ..results_table import METRICS, Better, CaseScore, Evaluation, Interval
from .methods import Shown

#: Of every map, and of those in mm alone.
RANKING, IN_MM = (
    ("pearson", "spearman", "naurc", "aurc_mm", "ause"),
    ("mae_mm", "calibration_error_mm", "coverage", "sharpness_mm"),
)
#: More structures, or more cases, than this are folded away.
_MANY = 12


def methods_section(methods: Sequence[Shown]) -> str:
    """Return every method over all cases."""
    in_mm = [one for one in methods if any(key in one.summary.metrics for key in IN_MM)]
    more = ""
    if in_mm:
        more = (
            '<h3 class="after">Expected error in mm</h3><p class="hint">Of maps that a calibration '
            f"on other subjects turned into millimetres of error.</p>{_methods(in_mm, IN_MM)}"
        )
    used = [key for key in METRICS if any(key in one.summary.metrics for one in methods)]
    meanings = "".join(
        f"<dt>{METRICS[key].title}</dt><dd>{METRICS[key].meaning} {_direction(key)}</dd>"
        for key in used
    )
    return (
        '<section id="methods"><h2>Methods</h2><p class="lead">Means over cases, with 95\u00a0% '
        "intervals; the best nAURC first. The best of each column is marked. Names in bold are "
        "beaten by nothing that costs no more.</p>"
        f'{_methods(methods, RANKING)}{more}<dl class="metrics">{meanings}</dl></section>'
    )


def _direction(key: str) -> str:
    facts = METRICS[key]
    if facts.better is Better.NEARER:
        return f"Nearer to {facts.target:g} is better."
    return f"{facts.better.value.capitalize()}."


def _methods(methods: Sequence[Shown], keys: Sequence[str]) -> str:
    keys = [key for key in keys if any(key in one.summary.metrics for one in methods)]
    heads = "".join(f"<th>{METRICS[key].heading}</th>" for key in keys)
    columns = [[one.summary.metrics.get(key) for one in methods] for key in keys]
    best = [
        _best(key, [m.mean if m else math.nan for m in column])
        for key, column in zip(keys, columns, strict=True)
    ]
    rows = []
    for number, one in enumerate(methods):
        cells = "".join(
            _interval(column[number], column[number] is not None and number in marked)
            for column, marked in zip(columns, best, strict=True)
        )
        front = ' class="on-front"' if one.fronts else ""
        rows.append(
            f'<tr{front}><td class="words {one.css}"><span class="badge {one.css}">{one.number}'
            f'</span></td><th scope="row">{text(one.title)}</th>'
            f"<td>{one.summary.passes}</td><td>{one.summary.cases}</td>{cells}</tr>"
        )
    return (
        '<div class="wide"><table class="numbers full"><thead><tr><th>No.</th>'
        f'<th class="words">Map</th><th>Passes</th><th>Cases</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _interval(found: Interval | None, best: bool) -> str:
    if found is None:
        return "<td>–</td>"
    interval = f"{_two(found.low)} to {_two(found.high)}"
    return f"<td>{_marked(found.mean, best)}<small>{interval}</small></td>"


def kinds_section(evaluation: Evaluation, methods: Sequence[Shown]) -> str:
    """Return each method on each kind of deformation; nothing where there is one kind alone."""
    kinds = list(dict.fromkeys(case.kind for case in evaluation.cases))
    if len(kinds) < 2:
        return ""
    tables = []
    for key in ("pearson", "naurc"):
        columns = [[_mean(evaluation.cases, one, kind, key) for one in methods] for kind in kinds]
        table = _by_column(methods, kinds, columns, key)
        tables.append(f'<h3 class="after">{METRICS[key].title}</h3>{table}')
    return (
        '<section id="kinds"><h2>By kind of deformation</h2><p class="lead">Means over the cases '
        f"of each kind.</p>{''.join(tables)}</section>"
    )


def structures_section(evaluation: Evaluation, methods: Sequence[Shown]) -> str:
    """Return the figures within structures; nothing without a segmentation."""
    if not evaluation.structures:
        return ""
    numbers = {one.summary.method: one.number for one in methods}
    rows = sorted(evaluation.structures, key=lambda s: (s.structure, numbers.get(s.method, 10**6)))
    keys = [key for key in METRICS if any(key in row.metrics for row in rows)]
    heads = "".join(f"<th>{METRICS[key].heading}</th>" for key in keys)
    body = "".join(
        f'<tr><th scope="row">{text(row.structure)}</th><td class="words">{text(row.method)}</td>'
        f"<td>{row.cases}</td><td>{_two(row.error_mean_mm)}</td>"
        + "".join(f"<td>{_two(row.metrics.get(key, math.nan))}</td>" for key in keys)
        + "</tr>"
        for row in rows
    )
    table = (
        '<div class="wide"><table class="numbers full"><thead><tr><th>Structure</th>'
        '<th class="words">Map</th><th>Cases</th><th>Mean error (mm)</th>'
        f"{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return (
        '<section id="structures"><h2>By structure</h2><p class="lead">Means over cases, within '
        f"each structure.</p>{_folded(table, len(rows), 'rows')}</section>"
    )


def cases_section(evaluation: Evaluation) -> str:
    """Return what each registration had to find, and by how much it missed."""
    rows = "".join(
        f'<tr><th scope="row">{text(one.case)}</th><td class="words">{text(one.subject)}</td>'
        f'<td class="words">{text(one.kind)}</td><td>{_two(one.displacement_rms_mm)}</td>'
        f"<td>{_two(one.error_mean_mm)}</td><td>{_two(one.error_p95_mm)}</td>"
        f"<td>{one.voxels:,}</td></tr>"
        for one in evaluation.errors
    )
    table = (
        '<div class="wide"><table class="numbers full"><thead><tr><th>Case</th>'
        '<th class="words">Image</th><th class="words">Deformation</th>'
        "<th>To be found, rms (mm)</th><th>Mean error (mm)</th><th>95th percentile (mm)</th>"
        f"<th>Voxels</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return (
        '<section id="cases"><h2>Cases</h2><p class="lead">What the network had to find, and by '
        "how much it missed. The scores of every map on every case are in cases.csv.</p>"
        f"{_folded(table, len(evaluation.errors), 'cases')}</section>"
    )


def _folded(table: str, count: int, what: str) -> str:
    if count <= _MANY:
        return table
    return f"<details><summary>All {count} {what}</summary>{table}</details>"


def _by_column(
    methods: Sequence[Shown],
    heads: Sequence[str],
    columns: Sequence[Sequence[float]],
    key: str,
) -> str:
    best = [_best(key, column) for column in columns]
    rows = []
    for number, one in enumerate(methods):
        cells = "".join(
            f"<td>{_marked(column[number], number in marked)}</td>"
            for column, marked in zip(columns, best, strict=True)
        )
        rows.append(
            f'<tr><td class="words {one.css}"><span class="badge {one.css}">{one.number}</span>'
            f'</td><th scope="row">{text(one.title)}</th>{cells}</tr>'
        )
    titles = "".join(f"<th>{text(head)}</th>" for head in heads)
    return (
        '<div class="wide"><table class="numbers full"><thead><tr><th>No.</th>'
        f'<th class="words">Map</th>{titles}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        "</div>"
    )


def _mean(cases: Sequence[CaseScore], one: Shown, kind: str, key: str) -> float:
    values = [
        case.metrics[key]
        for case in cases
        if case.method == one.summary.method and case.kind == kind and key in case.metrics
    ]
    values = [value for value in values if math.isfinite(value)]
    return sum(values) / len(values) if values else math.nan


def _best(key: str, values: Sequence[float]) -> set[int]:
    """Return which rows read as the best one: what looks the same is the same."""
    merits = {n: METRICS[key].merit(v) for n, v in enumerate(values) if math.isfinite(v)}
    if len(merits) < 2:
        return set()
    top = values[max(merits, key=lambda n: merits[n])]
    return {n for n in merits if _two(values[n]) == _two(top)}


def _marked(value: float, best: bool) -> str:
    return f'<span class="best">{_two(value)}</span>' if best else _two(value)


def _two(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212")  # no minus before nothing
