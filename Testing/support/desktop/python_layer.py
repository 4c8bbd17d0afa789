"""Which Python layer of Slicer is used: its own, or the stand-ins in `layer`."""

from __future__ import annotations

import os
from pathlib import Path

import slicer

#: Names a folder that holds Slicer's own Python package ``slicer``: a checkout's Base/Python.
GENUINE_LAYER = "TTAUNCERTAINTY_SLICER_PYTHON"


def install() -> None:
    """Let ``import slicer.ScriptedLoadableModule`` find Slicer's own or the stand-in."""
    genuine = os.environ.get(GENUINE_LAYER)
    folder = Path(genuine) / "slicer" if genuine else Path(__file__).parent / "layer"
    if not (folder / "ScriptedLoadableModule.py").is_file():
        raise FileNotFoundError(f"{GENUINE_LAYER}: {folder} has no ScriptedLoadableModule.py")
    if str(folder) not in slicer.__path__:
        slicer.__path__.append(str(folder))
