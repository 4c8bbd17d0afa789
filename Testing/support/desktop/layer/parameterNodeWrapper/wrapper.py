"""The class decorator ``parameterNodeWrapper``."""

# ruff: noqa: N802, N803  (Slicer's names)

import typing
import weakref

import qt
import slicer
import vtk

from .connections import connection
from .fields import Field


def parameterNodeWrapper(cls=None):
    """Make a class of annotated fields a view of a parameter node, given to its constructor."""
    return _wrap if cls is None else _wrap(cls)


def _wrap(cls):
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = {name: Field(name, hint, getattr(cls, name, None)) for name, hint in hints.items()}
    for name, field in fields.items():
        setattr(cls, name, _attribute(field))
    cls.allParameters = fields
    for name, function in vars(_View).items():
        if callable(function):
            setattr(cls, name, function)
    return cls


def _attribute(field):
    return property(
        lambda self: self.getValue(field.name),
        lambda self, value: self.setValue(field.name, value),
    )


class _View:
    """What every wrapped class can do.

    As in Slicer, values are read when the node says that it was modified, and remembered. A node
    reference that a scene still being opened cannot follow yet is remembered as None: a module
    makes its view anew when the scene has been opened.
    """

    def __init__(self, parameterNode):
        self.parameterNode = parameterNode
        self._connections = {}
        self._tags = {}
        self._updating = False
        for field in self.allParameters.values():
            if not field.is_in(parameterNode):
                field.write(parameterNode, field.default)
        self._remember()
        reference = weakref.ref(self)
        self._tag = self.AddObserver(
            vtk.vtkCommand.ModifiedEvent, lambda *_: reference()._remember(), 1.0
        )

    def __del__(self):
        if hasattr(self, "_tag"):
            self.RemoveObserver(self._tag)

    def _remember(self):
        self._values = {
            name: field.read(self.parameterNode) for name, field in self.allParameters.items()
        }

    def getValue(self, name):
        return self._values[name]

    def setValue(self, name, value):
        field = self.allParameters[name]
        with slicer.util.NodeModify(self.parameterNode):
            field.write(self.parameterNode, value)
            self._values[name] = field.read(self.parameterNode)

    def connectGui(self, gui):
        """Tie every widget with the property SlicerParameterName to its field; return a tag."""
        widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "findChildren") else vars(gui)
        if isinstance(widgets, dict):
            widgets = widgets.values()
        named = {widget.property("SlicerParameterName"): widget for widget in widgets}
        named.pop(None, None)
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping):
        """Tie widgets to fields, by the fields' names; return a tag for `disconnectGui`."""
        for name in mapping:
            if name not in self.allParameters:
                raise ValueError(f"There is no field {name}")
        made = {name: connection(w, self.allParameters[name]) for name, w in mapping.items()}
        tag = len(self._tags)
        self._connections[tag] = made
        for name, tie in made.items():
            tie.write(self.getValue(name))
            tie.start(self._writer(name))
        self._tags[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, self._show)
        return tag

    def disconnectGui(self, tag):
        """Untie the widgets of a tag; None or one that is gone is no error."""
        for tie in self._connections.pop(tag, {}).values():
            tie.stop()
        if self._tags.get(tag) is not None:
            self.RemoveObserver(self._tags[tag])
            self._tags[tag] = None

    def _writer(self, name):
        def write(value):
            if not self._updating:
                self.setValue(name, value)

        return write

    def _show(self, *_):
        if self._updating:
            return
        self._updating = True
        try:
            for ties in list(self._connections.values()):
                for name, tie in ties.items():
                    tie.write(self.getValue(name))
        finally:
            self._updating = False

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, before):
        self.parameterNode.EndModify(before)

    def Modified(self):
        self.parameterNode.Modified()
