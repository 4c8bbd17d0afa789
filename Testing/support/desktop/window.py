"""The main window: a module's panel on the left, pictures of the views on the right."""

# ruff: noqa: N802, N815  (Slicer's names)

from __future__ import annotations

from PySide6.QtCore import Property, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

_PANEL_WIDTH = 520  # pixels


class ModuleSelector:
    """Which module's panel is shown."""

    def __init__(self, open_module):
        self._open = open_module
        self.selectedModule = ""

    def selectModule(self, name):
        """Show a module."""
        self._open(name)


class qSlicerMainWindow(QMainWindow):  # noqa: N801
    """Left out: menus, toolbars, the data probe, the Python console, docking."""

    def __init__(self, open_module, size):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("3D Slicer's panel and views, on stand-ins")
        self.resize(*size)
        self._selector = ModuleSelector(open_module)
        self._title = QLabel()
        self._title.setStyleSheet("font-weight: bold; padding: 6px;")
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left = QWidget()
        left.setObjectName("ModulePanel")
        left.setAutoFillBackground(True)
        left.setFixedWidth(_PANEL_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._title)
        column.addWidget(self._area, 1)
        self.views = QWidget()
        middle = QWidget()
        middle.setObjectName("CentralWidget")
        middle.setStyleSheet("#CentralWidget { background: black; }")
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(left)
        row.addWidget(self.views, 1)
        self.setCentralWidget(middle)

    helpAndAcknowledgmentVisible = Property(bool, lambda _: False)

    def moduleSelector(self):
        """Return the module selector."""
        return self._selector

    def show_panel(self, title, panel):
        """Put a module's panel into the window."""
        if self._area.widget() is not panel:
            self._area.takeWidget()
            self._area.setWidget(panel)
        self._title.setText(title)
        panel.show()

    def show_views(self, views):
        """Put a widget with the views' pictures into the window."""
        row = self.centralWidget().layout()
        row.replaceWidget(self.views, views)
        self.views.deleteLater()
        self.views = views
