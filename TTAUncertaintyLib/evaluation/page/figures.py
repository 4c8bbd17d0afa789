"""The plots of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...results.report.words import text
from ..results_table import METRICS, ORACLE, Curve, Evaluation
from ..summaries import pareto_front
from .methods import FRONTS, Shown
from .plots import (
    POINT,
    Axis,
    beside_each_other,
    line,
    passes_axis,
    path,
    svg,
    value_axis,
)


def quality_against_passes(methods: Sequence[Shown]) -> str:
    """Return a plot for each of two figures of merit: mean and interval against passes."""
    plots = "".join(_against_passes(methods, metric) for metric in FRONTS)
    return (
        '<section id="passes"><h2>Quality against passes</h2><p class="lead">Every point is a map, '
        "with the number that it has in the table below; the bar is its 95\u00a0% interval. The "
        "dashed line is the best that can be had for so many passes through the network: what lies "
        f'off it is beaten by something that costs no more.</p><div class="plots">{plots}</div>'
        "</section>"
    )


def _against_passes(methods: Sequence[Shown], metric: str) -> str:
    facts = METRICS[metric]
    known = [one for one in methods if metric in one.summary.metrics]
    if not known:
        return ""
    ends = [
        end
        for one in known
        for end in (one.summary.metrics[metric].low, one.summary.metrics[metric].high)
    ]
    x, y = passes_axis([one.summary.passes for one in known]), value_axis(ends)
    front = pareto_front([one.summary for one in known], metric)
    # those on the front stay in their place, the others make room
    drawn = sorted(known, key=lambda one: (one.summary not in front, one.number))
    shifted = beside_each_other(
        [(x.at(one.summary.passes), y.at(one.summary.metrics[metric].mean)) for one in drawn]
    )
    points = [
        _point(one, y, at, metric, one.summary in front)
        for one, at in zip(drawn, shifted, strict=True)
    ]
    content = _steps(x, y, [(s.passes, s.metrics[metric].mean) for s in front]) + "".join(
        points[::-1]
    )
    names = f"{facts.title} against passes of {len(known)} maps"
    return (
        f'<figure class="plot"><h3>{facts.title}</h3><figcaption>{facts.better.value}</figcaption>'
        f"{svg(x, y, ('Passes through the network', f'Mean {facts.title}'), content, names)}"
        "</figure>"
    )


def _steps(x: Axis, y: Axis, front: Sequence[tuple[int, float]]) -> str:
    """Return the Pareto front: level until something better can be had."""
    start = f"M{x.at(front[0][0]):.1f} {y.at(front[0][1]):.1f}"
    rest = "".join(f"H{x.at(passes):.1f}V{y.at(value):.1f}" for passes, value in front[1:])
    return f'<path class="front" d="{start}{rest}H{x.end:.1f}"/>'


def _point(one: Shown, y: Axis, at: float, metric: str, on_front: bool) -> str:
    found = one.summary.metrics[metric]
    name = (
        f"{one.title}: {found.mean:.2f} ({found.low:.2f} to {found.high:.2f}), "
        f"{one.summary.passes} passes"
    )
    middle = y.at(found.mean)
    return (
        f'<g class="{one.css}"><title>{text(name)}</title>'
        f'<path class="interval {one.css}" d="M{at:.1f} {y.at(found.low):.1f}'
        f'V{y.at(found.high):.1f}"/>'
        f'<circle class="dot {one.css}{" on-front" if on_front else ""}" cx="{at:.1f}" '
        f'cy="{middle:.1f}" r="{POINT / 2}"/>'
        f'<text class="number {one.css}" x="{at:.1f}" y="{middle + 3.7:.1f}">{one.number}</text>'
        "</g>"
    )


def sparsification(evaluation: Evaluation, methods: Sequence[Shown]) -> str:
    """Return the sparsification curves, those of the leading methods in colour."""
    curves = {curve.method: curve for curve in evaluation.sparsification}
    known = [one for one in methods if one.summary.method in curves]
    if not known:
        return ""
    values = [v for curve in curves.values() for v in curve.y]
    x = Axis(0, 1, value_axis([0, 1], upright=False).start, value_axis([0, 1], False).end)
    y = value_axis([*values, 1.0], zero=True)
    parts = [f'<path class="chance" d="M{x.start} {y.at(1):.1f}H{x.end}"/>']
    for one in sorted(known, key=lambda one: one.css != "rest"):
        curve = curves[one.summary.method]
        parts.append(line(_data(x, y, curve), f"line {one.css}", f"{one.number} {one.title}"))
    if ORACLE in curves:
        parts.append(line(_data(x, y, curves[ORACLE]), "ideal", ORACLE))
    colored = [one for one in known if one.css != "rest"]
    listed = [_entry(one.css, f"{one.number} {one.title}") for one in colored]
    if len(colored) < len(known):
        listed.append(_entry("rest", f"{len(known) - len(colored)} more"))
    if ORACLE in curves:
        listed.append(_entry("ideal", "The best order there is: by the error itself"))
    titles = ("Share of the voxels taken away, the most uncertain first", "Error left, mean = 1")
    plot = svg(x, y, titles, "".join(parts), f"Sparsification curves of {len(known)} maps")
    return (
        '<figure class="plot"><h3>Sparsification</h3><figcaption>What is left of the mean error '
        "when the voxels that a map calls uncertain are taken away. The sooner a curve falls, the "
        "better the map finds the errors; the dashed level is a map that knows nothing."
        f'</figcaption>{plot}<ul class="series-list">{"".join(listed)}</ul></figure>'
    )


def reliability(evaluation: Evaluation, methods: Sequence[Shown]) -> str:
    """Return expected against true error, with the coverage of the bounds in words."""
    by_name = {one.summary.method: one for one in methods}
    curves = [c for c in evaluation.reliability if c.method in by_name]
    if not curves:
        return (
            '<figure class="plot"><h3>Reliability</h3><figcaption>No map here is an expected error '
            "in mm: there was nothing to calibrate on.</figcaption></figure>"
        )
    values = [v for curve in curves for v in (*curve.x, *curve.y) if math.isfinite(v)]
    x, y = value_axis(values, upright=False, zero=True), value_axis(values, zero=True)
    parts = [f'<path class="ideal" d="{path(x, y, [(x.low, x.low), (x.high, x.high)])}"/>']
    listed, held = [], ""
    for curve in curves:
        one = by_name[curve.method]
        parts.append(line(_data(x, y, curve), f"line {one.css}", one.title))
        parts += [
            f'<circle class="dot {one.css}" cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="4.5">'
            f"<title>{a:.2f} mm expected, {b:.2f} mm true</title></circle>"
            for a, b in zip(curve.x, curve.y, strict=True)
            if math.isfinite(a) and math.isfinite(b)
        ]
        listed.append(_entry(one.css, f"{one.number} {one.title}"))
        held += _covered(one)
    listed.append(_entry("ideal", "Expected and true error are the same"))
    titles = ("Expected error (mm)", "True error (mm)")
    plot = svg(x, y, titles, "".join(parts), "Expected against true error")
    return (
        '<figure class="plot"><h3>Reliability</h3><figcaption>Mean true error of the voxels with '
        "the same expected error, a tenth of the voxels in each point. Above the diagonal the "
        "error is larger than expected. Calibrated on other subjects than those it is shown on."
        f'</figcaption>{plot}<ul class="series-list">{"".join(listed)}</ul>{held}</figure>'
    )


def _covered(one: Shown) -> str:
    found = one.summary.metrics.get("coverage")
    if found is None:
        return ""
    return (
        f"<p>The bound that is meant to hold for {METRICS['coverage'].target:.0%} of the voxels "
        f"held for <strong>{found.mean:.0%}</strong> ({found.low:.0%} to {found.high:.0%}).</p>"
    )


def _data(x: Axis, y: Axis, curve: Curve) -> str:
    return path(x, y, list(zip(curve.x, curve.y, strict=True)))


def _entry(css: str, name: str) -> str:
    return f'<li class="{css}"><i class="swatch-line {css}"></i>{text(name)}</li>'
