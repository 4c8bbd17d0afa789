"""Stand-ins for CTK's inputs of paths and colours."""

# ruff: noqa: N802, N815  (Qt's names)

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QToolButton, QWidget

from .declared import passed_on, stored, with_setters


@with_setters
class ctkPathLineEdit(QWidget):  # noqa: N801
    """A line for a path. Left out: completion, history, the browse button's dialog, validation."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._line = QLineEdit()
        browse = QToolButton()
        browse.setText("…")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line, 1)
        layout.addWidget(browse)
        self._line.textChanged.connect(self.currentPathChanged.emit)

    currentPath = passed_on(str, "text", "_line")
    filters = stored(int, "filters", 0)
    nameFilters = stored("QStringList", "nameFilters", [])
    settingKey = stored(str, "settingKey", "")
    label = stored(str, "label", "")
    showHistoryButton = stored(bool, "showHistoryButton", True)

    def addCurrentPathToHistory(self):
        """Do nothing: there is no history."""


@with_setters
class ctkDirectoryButton(QPushButton):  # noqa: N801
    """A button that shows a folder; its dialog is left out."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)
    directory = stored(str, "directory", "", "_chosen")

    def _chosen(self):
        self.setText(self.directory)
        self.directoryChanged.emit(self.directory)


@with_setters
class ctkColorPickerButton(QPushButton):  # noqa: N801
    """A button that holds a colour; its dialog is left out."""

    colorChanged = Signal(QColor)
    color = stored(QColor, "color", QColor(), "_chosen")

    def _chosen(self):
        self.colorChanged.emit(self.color)
