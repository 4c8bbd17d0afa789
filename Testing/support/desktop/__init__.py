"""A small harness in which the module's file runs as in Slicer, without Slicer's desktop.

What is real: the scene, the logics, the displayable managers and ``slicer.util`` (slicer-core), and
Qt. What is a stand-in, written here: PythonQt's habits (`pythonqt`), the widgets of CTK and Slicer
(`widgets`), ``slicer.app`` and the layout manager, and Slicer's Python layer (`layer`) with
ScriptedLoadableModule, parameterNodeWrapper and i18n. Each says what of the original it leaves out.
The environment variable TTAUNCERTAINTY_SLICER_PYTHON names a folder with Slicer's own Python layer
(a checkout's Base/Python), which is then taken in place of the stand-ins; the same tests pass on
both, which is how the stand-ins are kept true.

It is not the desktop: what only PythonQt, CTK or Slicer's own widgets do stays unseen.
"""

from .harness import Desktop
from .python_layer import GENUINE_LAYER
from .pythonqt.dialogs import Message
from .watch import EventLoopWatch

__all__ = ["GENUINE_LAYER", "Desktop", "EventLoopWatch", "Message"]
