"""Pictures: layers of slices in one SVG each, measured in millimetres.

Every slice is stored once, in the page's definitions, and pictures refer to it. Crosshair,
letters and scale bar are drawn, not painted into the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import NDArray

from .colors import DIVERGING, ERROR, SEQUENTIAL, ColorTable, color_table
from .legends import gradient
from .png import data_uri, encode_grey, encode_indexed
from .scales import Scale
from .slices import Section

#: Folds stand out from both ends of the diverging table.
FOLD_COLOR = "#d9ff3f"

#: Of what lies outside a calibration: no table of ours comes near it; as ``outside.ctbl``.
OUTSIDE_COLOR = "#ff40d6"
#: The same beside words.
OUTSIDE_SWATCH = f'<i class="swatch outside" style="color:{OUTSIDE_COLOR}"></i>'
#: Of what masks leave out of the statistics.
LEFT_OUT_COLOR = "#9fb4c8"
#: Hatching: pixels of the longer side, from one line to the next, width of a line and of the rim.
_HATCH_PIXELS, _HATCH_PITCH, _HATCH_LINE, _HATCH_RIM = 720, 18, 3, 4
_NONE, _FOLD = 0, 255
_CHECK_MM = 12.0


@dataclass(frozen=True)
class Layer:
    """A stored slice in a picture."""

    #: From the gallery.
    identity: str
    #: Class of the style sheet: "" always shown, "under" darkened below colours, "colors" hidden
    #: while the pointer is over the picture, "instead" shown only then, "checks" shown in every
    #: other square.
    role: str = ""


@dataclass
class Gallery:
    """The slices of a page, each stored once."""

    _images: list[str] = field(default_factory=list)

    def add_grey(
        self, section: Section, values: NDArray[np.float32], window: tuple[float, float]
    ) -> str:
        """Store a slice of an image, black to white over a window; return its identity."""
        low, high = window
        grey = np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255
        return self._add(section, encode_grey(np.round(grey).astype(np.uint8)))

    def add_map(
        self,
        section: Section,
        values: NDArray[np.float32],
        scale: Scale,
        table: ColorTable,
        folds: bool = False,
    ) -> str:
        """Store a slice of a map as colours with opacity; NaN is transparent.

        Parameters
        ----------
        values
            Axes (row, column), the map's unit.
        """
        known = np.isfinite(values)
        position = np.where(known, scale.position(np.where(known, values, 1.0)), 0)
        index = np.where(known, 1 + np.round(position * 253), _NONE).astype(np.uint8)
        palette = np.zeros((256, 4), np.uint8)
        palette[1:255] = table.rgba[np.round(np.linspace(0, 255, 254)).astype(int)]
        if folds:
            palette[_FOLD] = [*bytes.fromhex(FOLD_COLOR[1:]), 255]
            index[known & (values <= 0)] = _FOLD
        return self._add(section, encode_indexed(index, palette))

    def add_hatching(
        self, section: Section, marked: NDArray[np.bool_], color: str = OUTSIDE_COLOR
    ) -> str:
        """Store a rim and diagonal lines where pixels are marked; axes (row, column)."""
        # finer than the section, so that lines stay thin where voxels are large
        finer = max(1, round(_HATCH_PIXELS / max(marked.shape)))
        whole = np.kron(marked, np.ones((finer, finer), bool))
        core = np.pad(whole, 1)
        for _ in range(_HATCH_RIM):
            core[1:-1, 1:-1] &= core[2:, 1:-1] & core[:-2, 1:-1] & core[1:-1, 2:] & core[1:-1, :-2]
        row, column = np.indices(whole.shape)
        lines = (row + column) % _HATCH_PITCH < _HATCH_LINE
        drawn = whole & (lines | ~core[1:-1, 1:-1])
        palette = np.zeros((256, 4), np.uint8)
        palette[1] = [*bytes.fromhex(color[1:]), 255]
        return self._add(section, encode_indexed(drawn.astype(np.uint8), palette))

    def add_outline(self, section: Section, probability: NDArray[np.float32]) -> str:
        """Store the outlines of a structure at 5, 50 and 95 %, and the band between the outer."""
        band = (probability > 0.05) & (probability < 0.95)
        index = band.astype(np.uint8)
        for level, color in ((0.05, 2), (0.95, 2), (0.5, 3)):
            inside = np.pad(probability > level, 1, mode="edge")
            core = inside[2:, 1:-1] & inside[:-2, 1:-1] & inside[1:-1, 2:] & inside[1:-1, :-2]
            index[inside[1:-1, 1:-1] & ~core] = color
        palette = np.zeros((256, 4), np.uint8)
        palette[1:4] = [[255, 150, 40, 70], [255, 150, 40, 230], [255, 255, 255, 255]]
        return self._add(section, encode_indexed(index, palette))

    def definitions(self) -> str:
        """Return the hidden SVG that holds everything pictures and legends refer to."""
        ramps = "".join(gradient(color_table(name)) for name in (SEQUENTIAL, ERROR, DIVERGING))
        side = _CHECK_MM
        checks = (
            f'<pattern id="squares" width="{2 * side}" height="{2 * side}" '
            f'patternUnits="userSpaceOnUse"><path fill="#fff" '
            f'd="M0 0h{side}v{side}h{-side}z M{side} {side}h{side}v{side}h{-side}z"/></pattern>'
            '<mask id="checks" maskUnits="userSpaceOnUse" x="0" y="0" width="2000" height="2000">'
            '<rect width="2000" height="2000" fill="url(#squares)"/></mask>'
        )
        return (
            '<svg class="definitions" width="0" height="0" aria-hidden="true"><defs>'
            f"{ramps}{checks}{''.join(self._images)}</defs></svg>"
        )

    def _add(self, section: Section, png: bytes) -> str:
        identity = f"slice-{len(self._images) + 1}"
        self._images.append(
            f'<image id="{identity}" width="{section.width_mm:.3f}" '
            f'height="{section.height_mm:.3f}" preserveAspectRatio="none" href="{data_uri(png)}"/>'
        )
        return identity


def picture(
    section: Section,
    layers: Sequence[Layer],
    label: str,
    point: tuple[float, float] | None = None,
    width_mm: float | None = None,
    pixels: int = 260,
    bar: bool = True,
) -> str:
    """Return a picture as inline SVG, one unit per millimetre.

    Parameters
    ----------
    layers
        From back to front.
    label
        What is shown, for people who do not see it.
    point
        Crosshair, mm from the left and the top edge.
    width_mm
        Width of the picture, wider than the slice where several are to have one scale.
    pixels
        About how wide it will be on the screen: gives the size of letters and lines.
    """
    width, height = section.width_mm, section.height_mm
    shown = max(width, width_mm or 0.0)
    left = (width - shown) / 2
    unit = shown / pixels
    parts = [_layer(layer) for layer in layers]
    if point is not None:
        parts.append(_crosshair(section, point, unit))
    parts.append(_letters(section, left, shown, unit))
    if bar:
        parts.append(_scale_bar(left, shown, height, unit))
    return (
        f'<svg class="picture" viewBox="{left:.3f} 0 {shown:.3f} {height:.3f}" role="img" '
        f'aria-label="{escape(label)}" style="--unit:{unit:.4f}px">{"".join(parts)}</svg>'
    )


def _layer(layer: Layer) -> str:
    use = f'<use href="#{layer.identity}"/>'
    if layer.role == "checks":
        return f'<g mask="url(#checks)">{use}</g>'
    return f'<g class="{layer.role}">{use}</g>' if layer.role else use


def _crosshair(section: Section, point: tuple[float, float], unit: float) -> str:
    """Return two lines that leave the place itself free."""
    x, y = point
    gap = 9 * unit
    return (
        f'<path class="cross" d="M0 {y:.2f}H{x - gap:.2f}M{x + gap:.2f} {y:.2f}'
        f"H{section.width_mm:.2f}M{x:.2f} 0V{y - gap:.2f}M{x:.2f} {y + gap:.2f}"
        f'V{section.height_mm:.2f}"/>'
    )


def _letters(section: Section, left: float, width: float, unit: float) -> str:
    height, edge = section.height_mm, 5 * unit
    at_left, at_right, at_top, at_bottom = section.letters
    middle, half = left + width / 2, height / 2 + 4 * unit
    places = (
        ("left", at_left, left + edge, half, "start"),
        ("right", at_right, left + width - edge, half, "end"),
        ("top", at_top, middle, 14 * unit, "middle"),
        ("bottom", at_bottom, middle, height - edge, "middle"),
    )
    return "".join(
        f'<text class="letter {side}" x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}">'
        f"{letter}</text>"
        for side, letter, x, y, anchor in places
    )


def _scale_bar(left: float, width: float, height: float, unit: float) -> str:
    length = next((n for n in (50, 20, 10, 5, 2, 1) if n <= 0.3 * width), 1)
    x, y = left + width - 8 * unit - length, height - 8 * unit
    return (
        f'<path class="bar" d="M{x:.2f} {y:.2f}h{length}"/><text class="bar-length" '
        f'x="{x + length / 2:.2f}" y="{y - 5 * unit:.2f}" text-anchor="middle">{length} mm</text>'
    )
