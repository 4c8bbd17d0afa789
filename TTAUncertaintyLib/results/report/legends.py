"""Colour legends: a strip, its numbers, and how often each colour occurs."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

from .colors import ColorTable
from .scales import Scale

_BAR, _SIDE = 16, 16
_BINS = 72
_GREY = "#6d6d70"
"""The strip is painted as over mid-grey anatomy, so that it looks as the pictures do."""


def legend(
    table: ColorTable,
    scale: Scale,
    title: str,
    unit: str,
    values: NDArray[np.float32] | None = None,
    open_ended: bool = True,
    key: str = "",
    width: int = 360,
) -> str:
    """Return a legend as inline SVG.

    Parameters
    ----------
    title, unit
        Of the map; the unit stands behind the numbers' title, "" for none.
    values
        Finite values of the map over the region, shape (n,): their distribution is drawn above
        the strip.
    open_ended
        Print that the last colour also stands for everything above.
    width
        About how wide it will be on the screen, pixels.
    """
    identity = f"ramp-{table.name}"
    rise = 34 if values is not None else 0
    parts = [_distribution(values, scale, rise, width)] if values is not None else []
    parts.append(
        f'<rect x="{_SIDE}" y="{rise}" width="{width}" height="{_BAR}" rx="2" fill="{_GREY}"/>'
        f'<rect x="{_SIDE}" y="{rise}" width="{width}" height="{_BAR}" rx="2" '
        f'fill="url(#{identity})"/>'
    )
    ticks = scale.ticks()
    for position, label in ticks:
        x = _SIDE + position * width
        text = f"≥ {label}" if open_ended and position == 1 else label
        parts.append(
            f'<path class="tick" d="M{x:.1f} {rise + _BAR}v5"/>'
            f'<text x="{x:.1f}" y="{rise + _BAR + 18}" text-anchor="middle">{text}</text>'
        )
    height = rise + _BAR + 24
    name = escape(f"Legend: {title}, {ticks[0][1]} to {ticks[-1][1]} {unit}".strip())
    caption = escape(title) + (f' <span class="unit">in {escape(unit)}</span>' if unit else "")
    caption = f"<span>{caption}</span>"
    if key:
        caption += f'<span class="key">{key}</span>'
    return (
        f'<div class="legend"><p class="legend-title">{caption}</p>'
        f'<svg viewBox="0 0 {width + 2 * _SIDE} {height}" role="img" aria-label="{name}" '
        f'style="max-width:{width + 2 * _SIDE}px">'
        f"{''.join(parts)}</svg></div>"
    )


def gradient(table: ColorTable) -> str:
    """Return the gradient that legends of a table refer to, for the page's definitions."""
    stops = "".join(
        f'<stop offset="{position:.4f}" stop-color="{color}" stop-opacity="{opacity:.3f}"/>'
        for position, color, opacity in table.stops(33)
    )
    return f'<linearGradient id="ramp-{table.name}">{stops}</linearGradient>'


def _distribution(values: NDArray[np.float32], scale: Scale, height: int, width: int) -> str:
    """Return how often each colour occurs, as an area over the strip."""
    counts, _ = np.histogram(scale.position(values), bins=_BINS, range=(0, 1))
    tops = counts / max(1, counts.max()) * (height - 4)
    step = width / _BINS
    line = "".join(f"V{height - top:.1f}h{step:.2f}" for top in tops.tolist())
    return f'<path class="distribution" d="M{_SIDE} {height}{line}V{height}z"/>'
