"""The module ``qt``: QtCore, QtGui and QtWidgets in one namespace, as PythonQt has it.

It has the classes of which it is known what they offer. Another one is an error that says how its
names are read, so that no class comes into use of which PySide6 shows more than PythonQt does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from PySide6 import QtCore, QtWidgets

from ..offered import classes
from . import gate, signals, tool_tips
from .dialogs import recording
from .ui_loader import QUiLoader


def application():
    """Return the process's QApplication, made on the first call."""
    found = QtWidgets.QApplication.instance()
    if found is None:
        found = QtWidgets.QApplication(["Slicer"])
        found.setStyle("Fusion")
        found.setOrganizationName("NA-MIC")
        found.setApplicationName("Slicer")
    return found


def keep_settings_in(folder: Path) -> None:
    """Let ``QSettings()`` read and write below a folder, and leave the person's own alone."""
    settings = QtCore.QSettings
    settings.setDefaultFormat(settings.Format.IniFormat)
    settings.setPath(settings.Format.IniFormat, settings.Scope.UserScope, str(folder))
    settings.setPath(settings.Format.IniFormat, settings.Scope.SystemScope, str(folder / "system"))


def install() -> ModuleType:
    """Put the module ``qt`` where ``import qt`` finds it, and return it."""
    if "qt" in sys.modules:
        return sys.modules["qt"]
    tool_tips.install()
    gate.install()
    signals.install()
    module = ModuleType("qt", __doc__)
    for name in classes():
        if (cls := gate.qt_class(name)) is not None:
            setattr(module, name, cls)
    for name, cls in {"QUiLoader": QUiLoader, **recording(module)}.items():
        gate.hold(cls, name)
        setattr(module, name, cls)
    module.__getattr__ = _unknown
    sys.modules["qt"] = module
    return module


def _unknown(name):
    if gate.qt_class(name) is None or name in ("Signal", "Slot", "Property"):
        raise AttributeError(f"module 'qt' has no attribute '{name}'")
    raise AttributeError(
        f"module 'qt' has no attribute '{name}' in the harness: read its names with "
        f"Testing/support/desktop/offered/read_headers.py ... {name}"
    )
