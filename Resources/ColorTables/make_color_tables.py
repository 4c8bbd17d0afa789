"""Write the colour tables of the maps, in Slicer's own text format.

    python Resources/ColorTables/make_color_tables.py

The tables are ours, made by formula in OKLCH (Ottosson 2020: lightness, chroma, hue, perceptually
even), so that equal steps of a map look like equal steps. All are read by lightness alone, so
that they hold for colour-blind readers and on a grey printer. Opacity is part of them: where a map
is low, anatomy shows through.

    uncertainty    0 to 1: dark violet, magenta, orange, pale yellow; opacity 0 to 0.9
    error          0 to 1: dark blue, teal, green, pale yellow; opacity 0 to 0.9
    volume-change  -1 to 1: blue (shrinks), neutral and transparent, orange (grows)
    outside        one label: the pink that marks what a calibration has seen nothing like; no
                   other table comes near it

Only numpy is needed. Slicer and the report read the same files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
ENTRIES = 256

Values = NDArray[np.float64]

# Oklab to linear sRGB; source: Ottosson, "A perceptual color space for image processing" (2020).
_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def _linear_rgb(lightness: Values, chroma: Values, hue_deg: Values) -> Values:
    """Return linear sRGB, shape (n, 3); components outside 0 to 1 cannot be shown."""
    hue = np.deg2rad(hue_deg)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    return np.asarray((lab @ _TO_CONES.T) ** 3 @ _TO_LINEAR.T)


def oklch(lightness: Values, chroma: Values, hue_deg: Values) -> Values:
    """Return sRGB, shape (n, 3), 0 to 1; chroma is lowered where the screen cannot show it."""
    low, high = np.zeros_like(chroma), chroma.copy()
    for _ in range(30):
        middle = (low + high) / 2
        linear = _linear_rgb(lightness, middle, hue_deg)
        shown = ((linear >= -1e-9) & (linear <= 1 + 1e-9)).all(axis=1)
        low, high = np.where(shown, middle, low), np.where(shown, high, middle)
    linear = np.clip(_linear_rgb(lightness, low, hue_deg), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _smooth_step(t: Values) -> Values:
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def uncertainty() -> Values:
    """Return the sequential table, shape (256, 4), RGBA from 0 to 1."""
    t = np.linspace(0, 1, ENTRIES)
    rgb = oklch(0.36 + 0.58 * t, 0.15 + 0.05 * np.sin(np.pi * t), 300 + 165 * t)
    return np.column_stack([rgb, 0.9 * _smooth_step(t / 0.6)])


def error() -> Values:
    """Return the table of calibrated maps, shape (256, 4), RGBA from 0 to 1."""
    t = np.linspace(0, 1, ENTRIES)
    rgb = oklch(0.36 + 0.60 * t, 0.11 + 0.06 * np.sin(np.pi * t), 265 - 160 * t)
    return np.column_stack([rgb, 0.9 * _smooth_step(t / 0.6)])


def volume_change() -> Values:
    """Return the diverging table, shape (256, 4), RGBA from 0 to 1."""
    t = np.linspace(-1, 1, ENTRIES)
    away = np.abs(t)
    rgb = oklch(0.93 - 0.35 * away, 0.19 * away**0.8, np.where(t < 0, 255.0, 50.0))
    return np.column_stack([rgb, 0.9 * _smooth_step(away / 0.7)])


def table_text(title: str, low: str, high: str, colors: Values) -> str:
    """Return a Slicer colour table: index, name, R, G, B, A from 0 to 255."""
    lines = [
        f"# Color table file: {title}",
        f"# {ENTRIES} entries, {low} to {high}; A is the opacity over anatomy",
        "# written by make_color_tables.py",
    ]
    for index, color in enumerate(np.round(colors * 255).astype(int)):
        r, g, b, a = color.tolist()
        lines.append(f"{index} {index / (ENTRIES - 1):.3f} {r} {g} {b} {a}")
    return "\n".join(lines) + "\n"


#: Colour of what lies outside a calibration, RGB from 0 to 255; the report has it, too.
OUTSIDE = (255, 64, 214)


def outside_text() -> str:
    """Return the table of the label map of what lies outside a calibration."""
    r, g, b = OUTSIDE
    return (
        "# Color table file: outside the calibrated range\n"
        "# written by make_color_tables.py\n"
        "0 inside 0 0 0 0\n"
        f"1 outside-the-calibrated-range {r} {g} {b} 255\n"
    )


def main() -> None:
    """Write the tables beside this script."""
    for name, text in (
        ("uncertainty", table_text("uncertainty", "none", "high", uncertainty())),
        ("error", table_text("error", "none", "high", error())),
        ("outside", outside_text()),
        ("volume-change", table_text("volume change", "shrinks", "grows", volume_change())),
    ):
        (HERE / f"{name}.ctbl").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
