"""A small harness in which the module's file runs as in Slicer, without Slicer's desktop.

What is real: the scene, the logics, the displayable managers and ``slicer.util`` (slicer-core), and
Qt. What is a stand-in, written here: PythonQt's habits (`pythonqt`), the widgets of CTK and Slicer
(`widgets`), ``slicer.app`` and the layout manager, and Slicer's Python layer (`layer`) with
ScriptedLoadableModule, parameterNodeWrapper and i18n. Each says what of the original it leaves out.
The environment variable TTAUNCERTAINTY_SLICER_PYTHON names a folder with Slicer's own Python layer
(a checkout's Base/Python), which is then taken in place of the stand-ins; the same tests pass on
both, which is how the stand-ins are kept true.

It is not the desktop: what only PythonQt, CTK or Slicer's own widgets do stays unseen. In a real
Slicer (``make test-slicer``) the same tests run on `real`, where nothing is a stand-in but the
dialogs that ask.
"""

import sys

from .pythonqt.dialogs import Message
from .watch import EventLoopWatch

#: Whether this is a real Slicer: its Qt comes to Python through PythonQt.
IN_SLICER = "PythonQt" in sys.modules

if IN_SLICER:
    from .real import Desktop
else:
    from .harness import Desktop

__all__ = ["IN_SLICER", "Desktop", "EventLoopWatch", "Message"]
