"""A stand-in for ``qMRMLTableView``: shows a table node."""

# ruff: noqa: N802  (Slicer's names)

from __future__ import annotations

import vtk
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QTableView

from .mrml_base import Observation


class qMRMLTableView(QTableView):  # noqa: N801
    """Shows the cells of a vtkMRMLTableNode as text and follows it.

    Left out: editing, copying and pasting, locked and transposed tables, row labels.
    """

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node = None
        self._scene = None
        self._watch = Observation(self)
        self.setModel(QStandardItemModel(self))

    def setMRMLScene(self, scene):
        """Take a scene, or None."""
        self._scene = scene
        if scene is None:
            self.setMRMLTableNode(None)

    def mrmlScene(self):
        """Return the scene."""
        return self._scene

    def mrmlTableNode(self):
        """Return the table node."""
        return self._node

    def setMRMLTableNode(self, node):
        """Show a table node, or with None nothing."""
        self._watch.end()
        self._node = node
        if node is not None:
            self._watch.watch(node, (vtk.vtkCommand.ModifiedEvent,), "_fill")
        self._fill()

    def _fill(self):
        model = self.model()
        model.clear()
        if self._node is None:
            return
        rows, columns = self._node.GetNumberOfRows(), self._node.GetNumberOfColumns()
        names = [self._node.GetColumnName(column) or "" for column in range(columns)]
        model.setHorizontalHeaderLabels(names)
        for row in range(rows):
            cells = [self._node.GetCellText(row, column) or "" for column in range(columns)]
            model.appendRow([QStandardItem(cell) for cell in cells])
