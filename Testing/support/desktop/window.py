"""The main window: a module's panel on the left, pictures of the views on the right."""

# ruff: noqa: N815  (Slicer's names)

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from .widgets.declared import passing, returning

_PANEL_WIDTH = 520  # pixels


class qSlicerModuleSelectorToolBar:  # noqa: N801
    """Which module's panel is shown."""

    def __init__(self, open_module):
        self._open = open_module
        self.selectedModule = ""

    selectModule = passing("_open")


class qSlicerMainWindow(QMainWindow):  # noqa: N801
    """Left out: menus, toolbars, the data probe, the Python console, docking."""

    def __init__(self, open_module, size):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("3D Slicer's panel and views, on stand-ins")
        self.resize(*size)
        self._selector = qSlicerModuleSelectorToolBar(open_module)
        self._title = QLabel()
        self._title.setStyleSheet("font-weight: bold; padding: 6px;")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(QWidget())
        self._column = QVBoxLayout(area.widget())
        self._column.setContentsMargins(0, 0, 0, 0)
        left = QWidget()
        left.setObjectName("ModulePanel")
        left.setAutoFillBackground(True)
        left.setFixedWidth(_PANEL_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._title)
        column.addWidget(area, 1)
        self._views = QWidget()
        middle = QWidget()
        middle.setObjectName("CentralWidget")
        middle.setStyleSheet("#CentralWidget { background: black; }")
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(left)
        row.addWidget(self._views, 1)
        self.setCentralWidget(middle)

    moduleSelector = returning("_selector")

    def _show_panel(self, title, panel):
        """Put a module's panel into the window, and tell it."""
        self._title.setText(title)
        self._column.insertWidget(0, panel, 1)
        panel.setSizePolicy(QSizePolicy.Policy.Minimum, panel.sizePolicy.verticalPolicy())
        panel.setVisible(True)
        panel.enter()

    def _take_panel(self, panel):
        """Tell a module's panel, and take it out of the window."""
        panel.exit()
        self._column.takeAt(self._column.indexOf(panel))
        panel.setVisible(False)
        panel.setParent(None)

    def _show_views(self, views):
        """Put a widget with the views' pictures into the window."""
        row = self.centralWidget().layout()
        row.replaceWidget(self._views, views)
        self._views.deleteLater()
        self._views = views
