"""Whether VTK can draw here. Where it cannot, it ends the process, so another one is asked."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

# VTK asks for an X server first and complains where there is none.
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

_DRAW = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
window = vtkRenderWindow()
window.SetOffScreenRendering(1)
window.AddRenderer(vtkRenderer())
window.Render()
print("drawn" if window.SupportsOpenGL() else "")
"""


@functools.cache
def can_draw() -> bool:
    """Tell whether a picture can be drawn off screen; asked once a process."""
    asked = subprocess.run(
        [sys.executable, "-c", _DRAW], capture_output=True, text=True, timeout=120, check=False
    )
    return asked.returncode == 0 and "drawn" in asked.stdout


def require() -> None:
    """Skip the test that is running where nothing can be drawn; elsewhere, raise.

    Raises
    ------
    RuntimeError
        Outside of a test.
    """
    if can_draw():
        return
    why = "VTK cannot draw off screen: install libegl1, libgl1 and libgl1-mesa-dri"
    if "PYTEST_CURRENT_TEST" in os.environ:
        import pytest

        pytest.skip(f"NOT TESTED: {why}.")
    raise RuntimeError(f"{why}.")
