"""Slicer wraps a plain tool tip in ``<p>`` as soon as it is set, so that it breaks into lines.

Left out: tool tips that Qt sets without Python, but for those of a form (`ui_loader`).
"""

from __future__ import annotations

from PySide6 import QtGui, QtWidgets

_set_tool_tip = QtWidgets.QWidget.setToolTip


def _set_wrapped(self, text):
    if text and not QtGui.Qt.mightBeRichText(text):
        text = QtGui.Qt.convertFromPlainText(text, QtGui.Qt.WhiteSpaceMode.WhiteSpaceNormal)
    _set_tool_tip(self, text)


def install() -> None:
    """Wrap tool tips that Python sets. Doing it again does nothing."""
    QtWidgets.QWidget.setToolTip = _set_wrapped
