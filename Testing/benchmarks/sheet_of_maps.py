"""A picture of slices side by side, each a map in colours over its image, with its own scale."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from TTAUncertaintyLib.results.report.colors import SEQUENTIAL, color_table

#: Screen pixels of a voxel, and of the room around slices.
_SCALE = 3
_MARGIN, _TITLE, _BAR = 10, 44, 46
_OUTSIDE = np.array([255, 64, 208], np.uint8)


@dataclass(frozen=True, eq=False)
class Panel:
    """One slice; arrays have rows from posterior to anterior, and columns."""

    #: Above it.
    title: str
    subtitle: str
    #: The image, 0 to 1.
    grey: NDArray[np.float32]
    #: The map, mm; None shows the image alone.
    values: NDArray[np.float32] | None = None
    #: Where the map is shown.
    inside: NDArray[np.bool_] | None = None
    #: Where the scale ends, mm.
    upper: float = 1.0
    #: Voxels that are painted over; None for none.
    marked: NDArray[np.bool_] | None = None

    @property
    def colors(self) -> NDArray[np.uint8]:
        """The slice as uint8 [rows, columns, 3], anterior up."""
        picture = np.repeat(255.0 * np.clip(self.grey, 0, 1)[..., None], 3, -1)
        if self.values is not None and self.inside is not None:
            index = np.clip(self.values / self.upper * 255, 0, 255).astype(int)
            picture = np.where(self.inside[..., None], _palette()[index], picture)
        if self.marked is not None:
            picture = np.where(_rim(self.marked)[..., None], _OUTSIDE, picture)
        return np.ascontiguousarray(picture[::-1].astype(np.uint8))


def box_around(inside: NDArray[np.bool_], room: int = 2) -> tuple[slice, slice]:
    """Return the rows and columns of a mask [rows, columns], with some room."""
    found = []
    for indices in np.nonzero(inside):
        found.append(slice(max(0, int(indices.min()) - room), int(indices.max()) + room + 1))
    return found[0], found[1]


def paint_sheet(rows: Sequence[Sequence[Panel]], path: Path) -> None:
    """Write panels, row by row and all of one size, as a PNG file."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6 import QtCore, QtGui

    app = QtGui.QGuiApplication.instance() or QtGui.QGuiApplication([])
    height, width = (_SCALE * n for n in rows[0][0].grey.shape)
    sheet = QtGui.QImage(
        max(len(row) for row in rows) * (width + _MARGIN) + _MARGIN,
        len(rows) * (height + _TITLE + _BAR) + _MARGIN,
        QtGui.QImage.Format.Format_RGB32,
    )
    sheet.fill(QtGui.QColor("white"))
    painter = QtGui.QPainter(sheet)
    font = painter.font()
    places = [(panel, r, c) for r, row in enumerate(rows) for c, panel in enumerate(row)]
    for panel, row, column in places:
        x = _MARGIN + column * (width + _MARGIN)
        y = row * (height + _TITLE + _BAR)
        for words, size, bold, line in (
            (panel.title, 15, True, 20),
            (panel.subtitle, 13, False, 38),
        ):
            font.setPixelSize(size)
            font.setBold(bold)
            painter.setFont(font)
            painter.drawText(x, y + line, words)
        painter.drawImage(QtCore.QRect(x, y + _TITLE, width, height), _image(panel.colors))
        if panel.values is None:
            continue
        below = y + _TITLE + height
        painter.drawImage(QtCore.QRect(x, below + 8, width, 10), _image(_ramp(width)))
        line = QtCore.QRect(x, below + 20, width, 18)
        painter.drawText(line, QtCore.Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(line, QtCore.Qt.AlignmentFlag.AlignRight, f"{panel.upper:.1f} mm")
    painter.end()
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(str(path), "PNG", 0)
    del app


def _image(colors: NDArray[np.uint8]):
    from PySide6 import QtGui

    height, width, _ = colors.shape
    return QtGui.QImage(
        colors.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888
    ).copy()


def _palette() -> NDArray[np.float64]:
    return color_table(SEQUENTIAL).rgba[:, :3].astype(np.float64)


def _ramp(width: int) -> NDArray[np.uint8]:
    steps = np.round(np.linspace(0, 255, width)).astype(int)
    return np.ascontiguousarray(_palette()[steps][None].astype(np.uint8))


def _rim(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the voxels of a mask that have one beside them that is not in it."""
    padded = np.pad(marked, 1)
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return marked & ~core
