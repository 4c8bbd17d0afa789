"""The module ``qt``: all of QtCore, QtGui and QtWidgets in one namespace, as PythonQt has it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from PySide6 import QtCore, QtGui, QtWidgets

from . import properties, signals
from .dialogs import QDialog, QFileDialog, QMessageBox
from .ui_loader import QUiLoader

_REPLACED = (QUiLoader, QMessageBox, QFileDialog, QDialog)


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
    properties.install()
    signals.install()
    if "qt" in sys.modules:
        return sys.modules["qt"]
    module = ModuleType("qt", __doc__)
    for part in (QtCore, QtGui, QtWidgets):
        for name in dir(part):
            if not name.startswith("_"):
                setattr(module, name, getattr(part, name))
    for cls in _REPLACED:
        setattr(module, cls.__name__, cls)
    for name in ("Signal", "Slot", "Property"):  # PythonQt has none of these
        delattr(module, name)
    sys.modules["qt"] = module
    return module
