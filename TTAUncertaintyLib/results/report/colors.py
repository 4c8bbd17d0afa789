"""Colour tables: how a value between 0 and 1 is painted over anatomy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...resources import resources_folder

#: For spreads and gaps, from none to high.
SEQUENTIAL = "uncertainty"
#: For what may be called error: told apart from a spread at first sight.
ERROR = "error"
#: For the Jacobian determinant, from shrinking over no change to growing.
DIVERGING = "volume-change"


@dataclass(frozen=True, eq=False)
class ColorTable:
    """A table of colours with opacity."""

    #: Of its file in ``Resources/ColorTables``.
    name: str
    #: uint8, shape (256, 4): red, green, blue, opacity over anatomy.
    rgba: NDArray[np.uint8]

    def stops(self, count: int) -> list[tuple[float, str, float]]:
        """Return evenly spaced (position 0 to 1, "#rrggbb", opacity 0 to 1), for a gradient."""
        found = []
        for position in np.linspace(0, 1, count).tolist():
            r, g, b, a = self.rgba[round(position * (len(self.rgba) - 1))].tolist()
            found.append((position, f"#{r:02x}{g:02x}{b:02x}", a / 255))
        return found


@cache
def color_table(name: str) -> ColorTable:
    """Load a table of ours; the files are in the format of Slicer's colour tables.

    Raises
    ------
    FileNotFoundError
        If the installation is incomplete.
    ValueError
        If the file is not a table of 256 colours.
    """
    file = resources_folder() / "ColorTables" / f"{name}.ctbl"
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [line[2:6] for line in lines if line and not line[0].startswith("#")]
    rgba = np.array(rows, dtype=int)
    if rgba.shape != (256, 4):
        raise ValueError(f"{file.name} is not a table of 256 colours.")
    return ColorTable(name, rgba.astype(np.uint8))
