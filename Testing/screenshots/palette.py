"""Pictures of few kilobytes: the 256 colours that a picture needs most, by median cut.

Source: Heckbert, Color image quantization for frame buffer display, SIGGRAPH 1982.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from TTAUncertaintyLib.results.report.png import encode_indexed

#: Colours are told apart by this many bits a channel before they are counted.
_BITS = 6


def indexed_png(pixels: NDArray[np.uint8], most: int = 256) -> bytes:
    """Return a PNG file of a colour picture, in at most so many colours.

    Parameters
    ----------
    pixels
        uint8, shape (height, width, 3).
    most
        How many colours, up to 256.
    """
    height, width, _ = pixels.shape
    shift = 8 - _BITS
    coarse = pixels.reshape(-1, 3).astype(np.int64) >> shift
    keys = (coarse[:, 0] << (2 * _BITS)) | (coarse[:, 1] << _BITS) | coarse[:, 2]
    found, where, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(where, pixels.reshape(-1, 3)[:, c]) for c in range(3)], axis=1)
    colors = sums / counts[:, None]
    boxes = _cut(colors, counts, most)
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 3] = 255
    index_of = np.zeros(len(found), np.uint8)
    for number, box in enumerate(boxes):
        weights = counts[box]
        palette[number, :3] = np.rint((colors[box] * weights[:, None]).sum(0) / weights.sum())
        index_of[box] = number
    return encode_indexed(index_of[where].reshape(height, width), palette)


def _cut(colors: NDArray[np.float64], counts: NDArray[np.int64], most: int) -> list[NDArray]:
    """Split the colours into boxes; always that one next whose colours differ most."""
    boxes = [np.arange(len(colors))]
    spread = [_spread(colors, counts, boxes[0])]
    while len(boxes) < most and max(spread) > 0:
        number = int(np.argmax(spread))
        box = boxes[number]
        values = colors[box][:, int(np.argmax(np.ptp(colors[box], axis=0)))]
        order = np.argsort(values, kind="stable")
        half = np.searchsorted(np.cumsum(counts[box][order]), counts[box].sum() / 2)
        half = int(np.clip(half, 1, len(box) - 1))
        parts = [box[order[:half]], box[order[half:]]]
        boxes[number : number + 1] = parts
        spread[number : number + 1] = [_spread(colors, counts, part) for part in parts]
    return boxes


def _spread(colors: NDArray[np.float64], counts: NDArray[np.int64], box: NDArray) -> float:
    """Return how much is lost if a box becomes one colour; rare colours count little, but count."""
    if len(box) < 2:
        return 0.0
    return float(np.ptp(colors[box], axis=0).max() * np.sqrt(counts[box].sum()))
