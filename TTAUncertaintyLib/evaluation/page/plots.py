"""Plots as inline SVG: axes, lines, points with intervals. Colours come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...results.report.words import text

WIDTH, HEIGHT = 600, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 50
#: Diameter of a numbered point, and the room at the ends of an axis of passes for points that
#: stand beside each other.
POINT, _SIDE = 18, 62


@dataclass(frozen=True)
class Axis:
    """From values to places in a picture.

    Parameters
    ----------
    low, high
        Values at the ends.
    start, end
        Where those lie, picture units.
    logarithmic
        Whether factors, instead of differences, have equal lengths.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value; the nearer end for what lies beyond."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return tidy values between the ends."""
        if self.logarithmic:
            steps = [d * 10.0**n for n in range(6) for d in (1, 2, 5)]
            return [value for value in steps if self.low <= value <= self.high * (1 + 1e-9)]
        step = tidy_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(n * step, 10) for n in range(first, last + 1)]


def tidy_step(about: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... and their tenths; 1 for nothing."""
    if not (math.isfinite(about) and about > 0):
        return 1.0
    unit = 10.0 ** math.floor(math.log10(about))
    return next(n for n in (1, 2, 5, 10) if n * unit >= about * (1 - 1e-9)) * unit


def value_axis(values: Sequence[float], upright: bool = True, zero: bool = False) -> Axis:
    """Return an axis that holds values, with tidy ends.

    Parameters
    ----------
    values
        What is to be seen; what is not finite does not count.
    upright
        For y; else for x.
    zero
        Begin at zero.
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if zero:
        low = min(0.0, low)
    step = tidy_step(max(high - low, 1e-3) / 5)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if high <= low:
        high = low + step
    if upright:
        return Axis(low, high, HEIGHT - _BOTTOM, _TOP)
    return Axis(low, high, _LEFT, WIDTH - _RIGHT)


def passes_axis(passes: Sequence[int]) -> Axis:
    """Return a logarithmic axis from one pass to the most."""
    high = max(2, *passes)
    return Axis(1, high, _LEFT + _SIDE, WIDTH - _RIGHT - _SIDE, logarithmic=True)


def svg(x: Axis, y: Axis, titles: tuple[str, str], content: str, label: str) -> str:
    """Return a plot with its frame.

    Parameters
    ----------
    x, y
        Axes.
    titles
        Of x and of y.
    content
        SVG in picture units.
    label
        What it shows, for those who cannot see it.
    """
    bottom, left, right = y.start, _LEFT, WIDTH - _RIGHT
    parts = []
    for value in y.ticks():
        at = y.at(value)
        parts.append(
            f'<path class="grid-line" d="M{left} {at:.1f}H{right}"/>'
            f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
    for value in x.ticks():
        at = x.at(value)
        parts.append(
            f'<path class="frame" d="M{at:.1f} {bottom}v5"/>'
            f'<text x="{at:.1f}" y="{bottom + 19}" text-anchor="middle">{number(value)}</text>'
        )
    middle = (_TOP + bottom) / 2
    parts.append(
        f'<path class="frame" d="M{left} {bottom}H{right}"/>'
        f'<text class="axis-title" x="{(left + right) / 2}" y="{bottom + 42}" '
        f'text-anchor="middle">{text(titles[0])}</text>'
        f'<text class="axis-title" transform="translate(14 {middle}) rotate(-90)" '
        f'text-anchor="middle">{text(titles[1])}</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}">'
        f"{''.join(parts)}{content}</svg>"
    )


def number(value: float) -> str:
    """Return a tick's label: "0.2", "50"."""
    return f"{value:.6g}".replace("-", "\u2212")


def path(x: Axis, y: Axis, values: Sequence[tuple[float, float]]) -> str:
    """Return the data of a line through values; it is broken where one is not finite."""
    parts, pen = [], "M"
    for a, b in values:
        if not (math.isfinite(a) and math.isfinite(b)):
            pen = "M"
            continue
        parts.append(f"{pen}{x.at(a):.1f} {y.at(b):.1f}")
        pen = "L"
    return "".join(parts)


def line(data: str, css: str, title: str) -> str:
    """Return a line that says its name under the mouse."""
    return f'<path class="{css}" d="{data}"><title>{text(title)}</title></path>'


def beside_each_other(
    places: Sequence[tuple[float, float]], apart: float = POINT + 1
) -> list[float]:
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
