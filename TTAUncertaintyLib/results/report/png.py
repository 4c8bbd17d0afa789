"""PNG, as little of it as the report needs: grey and indexed pictures of 8 bits.

Indexed pictures keep the colours in a palette, so that a smooth map takes a few kilobytes.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _INDEXED = 0, 3


def encode_grey(picture: NDArray[np.uint8]) -> bytes:
    """Return a PNG file of a grey picture, axes (row, column)."""
    return _encode(picture, _GREY, b"")


def encode_indexed(picture: NDArray[np.uint8], rgba: NDArray[np.uint8]) -> bytes:
    """Return a PNG file of an indexed picture.

    Parameters
    ----------
    rgba
        The palette, uint8, shape (256, 4).
    """
    palette = _chunk(b"PLTE", np.ascontiguousarray(rgba[:, :3]).tobytes())
    opacity = _chunk(b"tRNS", np.ascontiguousarray(rgba[:, 3]).tobytes())
    return _encode(picture, _INDEXED, palette + opacity)


def data_uri(png: bytes) -> str:
    """Return a PNG file as a URI that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _encode(picture: NDArray[np.uint8], color_type: int, extra: bytes) -> bytes:
    height, width = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    # each row is stored as its difference from the one above (filter 2), which packs better
    above = np.vstack([np.zeros((1, width), np.uint8), picture[:-1]])
    rows = np.hstack([np.full((height, 1), 2, np.uint8), picture - above])
    data = zlib.compress(rows.tobytes(), 6)
    return b"".join(
        (_SIGNATURE, _chunk(b"IHDR", header), extra, _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
