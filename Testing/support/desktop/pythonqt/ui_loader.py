"""``qt.QUiLoader``: reads a .ui file and makes the widgets of Slicer and CTK that it names."""

# ruff: noqa: N802  (Qt's names)

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from .gate import qt_class

#: Stand-ins for widgets of Slicer and CTK, by class name; the rooms of widgets fill it.
CUSTOM_WIDGETS: dict[str, type] = {}


class QUiLoader(QtUiTools.QUiLoader):
    """As Qt's, with every widget made through Python so that it can be named in ``connect``.

    A class for which there is no stand-in is an error here, where Qt would put an empty widget.
    """

    def __init__(self, parent=None):
        super().__init__(parent)
        self._made = []

    def createWidget(self, class_name, parent=None, name=""):
        """Make one widget."""
        cls = CUSTOM_WIDGETS.get(class_name) or getattr(QtWidgets, class_name, None)
        if class_name == "Line":  # the designer's name for a frame that is a line
            widget = super().createWidget(class_name, parent, name)
        elif cls is None:
            raise NotImplementedError(f"The harness has no stand-in for {class_name} ({name}).")
        else:
            widget = cls(parent) if parent is not None else cls()
            widget.setObjectName(name)
        self._made.append(widget)
        return widget

    def load(self, device, parent=None):
        """Make the widgets of a .ui file, given as an open ``QFile`` or a path."""
        if isinstance(device, QtCore.QIODevice):
            text = device.readAll().data()
        else:
            with open(device, "rb") as file:  # noqa: PTH123  (str or Path)
                text = file.read()
        text, connections, enumerations = _taken_out(text)
        buffer = QtCore.QBuffer()
        buffer.setData(text)
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        self._made = []
        root = super().load(buffer, parent)
        if root is None:
            raise RuntimeError(f"The .ui file cannot be read: {self.errorString()}")
        for widget in self._made:
            widget.toolTip = widget.toolTip  # wrapped, as everywhere in Slicer
        root._made = self._made  # Qt's own parents do not keep Python's half of a widget
        for widget, name, value in enumerations:
            owner, _, key = value.rpartition("::")
            setattr(root.findChild(QtCore.QObject, widget), name, getattr(qt_class(owner), key))
        for sender, signal, receiver, slot in connections:
            _connect(root, sender, signal, receiver, slot)
        return root


def _taken_out(text):
    """Take out of a form what Qt cannot do: pass a VTK object on, set a stand-in's enumeration.

    Return the form, its connections, and of each enumeration the widget, the property, the value.
    """
    form = ElementTree.fromstring(text)
    connections, enumerations = [], []
    for part in form.findall("connections"):
        for item in part.findall("connection"):
            connections.append([item.findtext(k) for k in ("sender", "signal", "receiver", "slot")])
        form.remove(part)
    for widget in form.iter("widget"):
        for item in widget.findall("property") if widget.get("class") in CUSTOM_WIDGETS else []:
            if (value := item.findtext("enum")) is not None:
                enumerations.append((widget.get("name"), item.get("name"), value))
                widget.remove(item)
    return ElementTree.tostring(form, encoding="utf-8"), connections, enumerations


def _connect(root, sender, signal, receiver, slot):
    def named(name):
        if root.name == name:
            return root
        return root.findChild(QtCore.QObject, name)

    function = getattr(named(receiver), slot.partition("(")[0], None)
    if named(sender) is None or function is None:
        raise AttributeError(f"The form connects {sender} to {receiver}.{slot}, which is not there")
    named(sender).connect(signal, function)
