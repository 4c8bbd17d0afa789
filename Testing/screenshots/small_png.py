"""Pictures of few kilobytes: fewer bits of each colour than a screen has."""

from __future__ import annotations

import numpy as np
from PySide6 import QtCore, QtGui


def small_png(image: QtGui.QImage, most_bytes: int) -> bytes:
    """Return a picture as a PNG file with 64 levels of each colour, or 32 if it has to be smaller.

    Six bits of eight cannot be told from eight by eye; below, smooth colours break into bands.

    Parameters
    ----------
    image
        Any picture; transparency is lost.
    most_bytes
        What it may take; with five bits it is returned whatever it takes.
    """
    image = image.convertToFormat(QtGui.QImage.Format.Format_RGB888)
    width, height, stride = image.width(), image.height(), image.bytesPerLine()
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, stride)
    pixels = rows[:, : 3 * width].astype(np.int64)
    for bits in (6, 5):
        levels = 2**bits - 1
        coarse = np.rint(np.rint(pixels * (levels / 255)) * (255 / levels)).astype(np.uint8)
        png = _png(np.ascontiguousarray(coarse), width, height)
        if len(png) <= most_bytes:
            break
    return png


def _png(rows: np.ndarray, width: int, height: int) -> bytes:
    picture = QtGui.QImage(rows.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888)
    data = QtCore.QByteArray()
    buffer = QtCore.QBuffer(data)
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG", 0)  # 0 packs best
    return bytes(data.data())
