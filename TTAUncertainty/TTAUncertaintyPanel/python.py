"""Which Python the background process runs in, and with which environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import slicer


def worker_python(machine: Any) -> str:
    """Return the interpreter of the background process.

    The one in the settings; else PythonSlicer, which is Slicer's Python without its application;
    else the running interpreter (where this is not Slicer but a test).
    """
    if machine.python:
        return str(machine.python)
    name = "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer"
    beside = Path(str(slicer.app.slicerHome)) / "bin" / name
    if beside.is_file():
        return str(beside)
    return shutil.which("PythonSlicer") or sys.executable


def worker_environment(machine: Any) -> dict[str, str] | None:
    """Return the environment of the background process; None for this one.

    A Python of the person's own must not get Slicer's library folders: it gets the environment
    that Slicer itself was started in.
    """
    if not machine.python or not hasattr(slicer.app, "startupEnvironment"):
        return None
    return dict(slicer.util.startupEnvironment())
