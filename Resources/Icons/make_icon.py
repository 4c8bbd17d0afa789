"""Draw the icon of TTAUncertainty: a brain, the grid that a registration bends, a hot spot.

    python make_icon.py [--size 256] OUTPUT.png [OUTPUT.png ...]

Everything is computed at several times the size and averaged down, so no drawing library is
needed. Shapes are few and thick on purpose: the icon has to be read at 32 pixels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

FloatArray = npt.NDArray[np.float64]

OVERSAMPLING = 6
TILE = (0.09, 0.13, 0.22)
BRAIN = (0.80, 0.84, 0.90)
GRID = (0.20, 0.32, 0.52)
HEAT = ((0.98, 0.55, 0.10), (0.86, 0.16, 0.10))
HEAT_CORE = (1.00, 0.93, 0.45)
SPOT = (0.27, 0.22)
"""Centre of the hot spot, in units of half the icon, x to the right and y up."""


def coverage(distance: FloatArray, softness: float) -> FloatArray:
    """Share of a pixel inside a shape: 1 where the distance is well below 0, 0 well above."""
    return np.asarray(np.clip(0.5 - distance / softness, 0.0, 1.0))


def blend(canvas: FloatArray, colour: tuple[float, float, float], weight: FloatArray) -> FloatArray:
    """Paint a colour over a canvas of shape (N, N, 3) with a weight of shape (N, N)."""
    return np.asarray(canvas + weight[..., None] * (np.array(colour) - canvas))


def draw_icon(size: int) -> npt.NDArray[np.uint8]:
    """Draw the icon.

    Parameters
    ----------
    size
        Edge length in pixels.

    Returns
    -------
    ndarray
        uint8, shape (size, size, 4): red, green, blue, opacity; first row on top.
    """
    n = size * OVERSAMPLING
    axis = (np.arange(n) + 0.5) / n * 2.0 - 1.0
    x, y = np.meshgrid(axis, -axis)
    pixel = 2.0 / n

    corner = np.maximum(np.abs(np.stack([x, y])) - 0.74, 0.0)
    opacity = coverage(np.hypot(corner[0], corner[1]) - 0.23, pixel)
    canvas = np.broadcast_to(np.array(TILE), (n, n, 3)).copy()

    # An axial section seen from above: narrower in front (up), lobed by gyri.
    angle = np.arctan2(y, x)
    lobes = 1.0 + 0.018 * np.cos(16.0 * angle) + 0.010 * np.sin(25.0 * angle)
    radius = np.hypot(x / (0.70 - 0.07 * y), y / 0.86) / lobes
    outline = (radius - 1.0) * 0.75
    brain = coverage(outline, pixel)
    canvas = blend(canvas, BRAIN, brain)

    # The fissure between the hemispheres, cut in from front and back.
    fissure = coverage(np.abs(x) - 0.06 * np.clip((np.abs(y) - 0.22) / 0.6, 0.0, 1.0), pixel)
    canvas = blend(canvas, TILE, fissure * brain)

    # Grid lines are level sets of bent coordinates; the bend is strongest at the hot spot. They
    # lie at odd multiples of half the spacing, so that none hides the fissure.
    dx, dy = x - SPOT[0], y - SPOT[1]
    squared = dx**2 + dy**2
    bend = np.exp(-squared / (2 * 0.25**2))
    bent = (x - 0.85 * bend * dx + 0.10 * bend, y - 0.85 * bend * dy - 0.06 * bend)
    spacing, half_width = 0.29, 0.021
    for coordinate in bent:
        slope = np.maximum(np.hypot(*np.gradient(coordinate, pixel)), 1e-6)
        to_line = np.abs(coordinate / spacing % 1.0 - 0.5) * spacing / slope
        canvas = blend(canvas, GRID, 0.9 * coverage(to_line - half_width, pixel) * brain)

    # Red to orange to yellow, over the grid, yet letting it show through at the rim.
    canvas = blend(canvas, HEAT[1], 0.90 * np.exp(-((squared / 0.37**2) ** 2)) * brain)
    canvas = blend(canvas, HEAT[0], 0.95 * np.exp(-((squared / 0.25**2) ** 1.5)) * brain)
    canvas = blend(canvas, HEAT_CORE, np.exp(-squared / 0.115**2) * brain)

    rgba = np.concatenate([canvas * opacity[..., None], opacity[..., None]], axis=-1)
    rgba = rgba.reshape(size, OVERSAMPLING, size, OVERSAMPLING, 4).mean(axis=(1, 3))
    alpha = rgba[..., 3:]
    rgba[..., :3] = np.divide(
        rgba[..., :3], alpha, out=np.zeros_like(rgba[..., :3]), where=alpha > 0
    )
    return np.rint(np.clip(rgba, 0.0, 1.0) * 255).astype(np.uint8)


def main() -> None:
    """Read the command line and write the icon to every path given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path, nargs="+")
    parser.add_argument("--size", type=int, default=256, help="edge length in pixels")
    arguments = parser.parse_args()
    image = sitk.GetImageFromArray(draw_icon(arguments.size), isVector=True)
    for path in arguments.output:
        path.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(image, str(path), useCompression=True)


if __name__ == "__main__":
    main()
