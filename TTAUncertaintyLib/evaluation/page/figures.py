"""The plots of the pages: figures of matplotlib, put into a page as SVG in the page's colours."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results_table import METRICS, ORACLE, Curve, Evaluation
from ..summaries import pareto_front
from .methods import Shown

#: Colours as on paper. In a page each becomes the variable of its name, which is another colour
#: where the page is dark.
_COLORS = {
    "series-1": "#7a2f8f",
    "series-2": "#1f77b4",
    "series-3": "#c8541f",
    "series-4": "#2a8a57",
    "series-5": "#a87a00",
    "series-6": "#c2397d",
    "rest": "#b9b4bf",
    "ink": "#1e2026",
    "soft": "#5d626d",
    "line": "#e3e0da",
    "card": "#fefefe",
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ttauncertainty",  # the same figure is the same text
    "font.size": 9.0,
    "axes.autolimit_mode": "round_numbers",
    "axes.xmargin": 0.0,
    "axes.ymargin": 0.0,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": _COLORS["soft"],
    "axes.labelcolor": _COLORS["ink"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _COLORS["line"],
    "xtick.color": _COLORS["soft"],
    "ytick.color": _COLORS["soft"],
    "ytick.major.size": 0.0,
    "lines.linewidth": 1.6,
}
#: Diameter of a numbered point, in points.
_POINT = 13.0


def as_svg(figure: Figure, label: str) -> Markup:
    """Return a figure for a page."""
    written = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context(_STYLE):
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    svg = written.getvalue()
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg[svg.index("<svg") :])  # the next figure has the same
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    for name, color in _COLORS.items():
        svg = svg.replace(color, f"var(--{name})")
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1))


def _axes(x_title: str, y_title: str) -> tuple[Figure, Axes]:
    """Return an empty figure and its axes, always in one place of the picture."""
    figure = Figure(figsize=(6.0, 4.0))
    axes = figure.add_axes((0.1, 0.13, 0.88, 0.84))
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    return figure, axes


def against_passes(methods: Sequence[Shown], metric: str) -> Figure | None:
    """Return a figure of merit against passes: means, intervals, and the Pareto front."""
    known = [one for one in methods if metric in one.summary.metrics]
    if not known:
        return None
    front = pareto_front([one.summary for one in known], metric)
    with mpl.rc_context(_STYLE):
        figure, axes = _axes("Passes through the network", f"Mean {METRICS[metric].title}")
        most = max(2, *(one.summary.passes for one in known))
        axes.set_xscale("log")
        # room at the ends for points that stand beside each other
        axes.set_xlim(0.5, 2.0 * most)
        ticks = [d * 10**n for n in range(6) for d in (1, 2, 5) if d * 10**n <= most]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set_xticks([], minor=True)
        found = {one.number: one.summary.metrics[metric] for one in known}
        ends = [end for f in found.values() for end in (f.low, f.high)]
        axes.update_datalim([(1, min(ends)), (1, max(ends))])
        axes.autoscale_view(scalex=False)
        passes = [s.passes for s in front] + [2 * most]
        best = [s.metrics[metric].mean for s in front]
        axes.step(passes, [*best, best[-1]], "--", where="post", color=_COLORS["soft"], lw=1.2)
        # those on the front stay in their place, the others make room
        drawn = sorted(known, key=lambda one: (one.summary not in front, one.number))
        places = axes.transData.transform(
            [(one.summary.passes, found[one.number].mean) for one in drawn]
        )
        apart = (_POINT + 1) * figure.dpi / 72
        moved = beside_each_other([(x, y) for x, y in places.tolist()], apart)
        to_data = axes.transData.inverted()
        for one, at, (_, height) in reversed(list(zip(drawn, moved, places, strict=True))):
            x, one_found = float(to_data.transform((at, height))[0]), found[one.number]
            color, is_best = _COLORS[one.css], one.summary in front
            axes.vlines(x, one_found.low, one_found.high, color=color, lw=1.3)
            axes.plot(
                x,
                one_found.mean,
                "o",
                ms=_POINT,
                color=color,
                mec=_COLORS["ink" if is_best else "card"],
                mew=1.4 if is_best else 1.0,
                clip_on=False,
            )
            axes.text(
                x,
                one_found.mean,
                str(one.number),
                color=_COLORS["ink" if one.css == "rest" else "card"],
                size=7.5,
                weight="bold",
                ha="center",
                va="center_baseline",
            )
    return figure


def sparsification(evaluation: Evaluation, methods: Sequence[Shown]) -> Figure | None:
    """Return the sparsification curves, those of the leading methods in colour."""
    curves = {curve.method: curve for curve in evaluation.sparsification}
    known = [one for one in methods if one.summary.method in curves]
    if not known:
        return None
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(
            "Share of the voxels taken away, the most uncertain first", "Error left, mean = 1"
        )
        axes.axhline(1.0, color=_COLORS["soft"], ls=(0, (6, 4)), lw=1.0)
        for one in sorted(known, key=lambda one: one.css != "rest"):
            rest = one.css == "rest"
            _line(axes, curves[one.summary.method], one, lw=0.9 if rest else 1.6)
        if ORACLE in curves:
            ideal = curves[ORACLE]
            axes.plot(ideal.x, ideal.y, ":", color=_COLORS["ink"], lw=1.4)
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
    return figure


def reliability(evaluation: Evaluation, methods: Sequence[Shown]) -> Figure | None:
    """Return expected against true error; None where no map is in mm."""
    by_name = {one.summary.method: one for one in methods}
    curves = [curve for curve in evaluation.reliability if curve.method in by_name]
    if not curves:
        return None
    with mpl.rc_context(_STYLE):
        figure, axes = _axes("Expected error (mm)", "True error (mm)")
        most = max(v for c in curves for v in (*c.x, *c.y) if math.isfinite(v))
        axes.plot([0, most], [0, most], ":", color=_COLORS["ink"], lw=1.4)
        for curve in curves:
            _line(axes, curve, by_name[curve.method], marker="o", ms=5, clip_on=False)
    return figure


def _line(axes: Axes, curve: Curve, one: Shown, **style: Any) -> None:
    axes.plot(curve.x, curve.y, color=_COLORS[one.css], **style)


def at_landmarks(values: Sequence[float], errors: Sequence[float], title: str) -> Figure:
    """Return the target registration error against a map, both mm, a point for each landmark."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(f"{title} at the landmark (mm)", "Target registration error (mm)")
        style: dict[str, Any] = {
            "color": _COLORS["series-1"],
            "mec": _COLORS["card"],
            "clip_on": False,
        }
        axes.plot(values, errors, "o", ms=6.5, **style)
        axes.update_datalim([(0, 0)])  # the axes begin at zero
        axes.autoscale_view()
    return figure


def beside_each_other(places: Sequence[tuple[float, float]], apart: float) -> list[float]:
    """Return x for points that would cover each other: the nearest place that is free.

    Parameters
    ----------
    places
        (x, y) in picture units, the most important first: it stays where it is.
    apart
        Least distance of two points.
    """
    taken: list[tuple[float, float]] = []
    for x, y in places:
        shifts = (sign * n * 0.5 * apart for n in range(100) for sign in (1, -1))
        free = next(
            (
                x + shift
                for shift in shifts
                if all(math.hypot(x + shift - a, y - b) >= apart for a, b in taken)
            ),
            x,
        )
        taken.append((free, y))
    return [x for x, _ in taken]
