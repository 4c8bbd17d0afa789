"""What Slicer's widgets over the scene share: they are given a scene, and follow it."""

# ruff: noqa: N802, N815  (Slicer's names)

from __future__ import annotations

import weakref
from typing import ClassVar

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget
from shiboken6 import isValid

from .declared import calling, returning


class Observation:
    """Observers on VTK objects that call a widget's method, and end with the widget."""

    _all: ClassVar[weakref.WeakSet] = weakref.WeakSet()

    def __init__(self, widget):
        self._all.add(self)
        self._widget = weakref.ref(widget)
        self._tags = []

    def watch(self, subject, events, method):
        """Call the widget's method of this name, without arguments, at each of the events."""
        for event in events:
            self._tags.append((subject, subject.AddObserver(event, self._caller(method))))

    @classmethod
    def end_all(cls):
        """Take off the observers of all widgets, before the scene they look at goes."""
        for observation in list(cls._all):
            observation.end()

    def _caller(self, method):
        reference = self._widget

        def call(*_):
            widget = reference()
            if widget is not None and isValid(widget):
                getattr(widget, method)()

        return call

    def end(self):
        for subject, tag in self._tags:
            subject.RemoveObserver(tag)
        self._tags = []


class qMRMLWidget(QWidget):  # noqa: N801
    """A widget that is told the scene and passes it on through `mrmlSceneChanged`."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = None

    mrmlScene = returning("_scene")

    def setMRMLScene(self, scene):
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


class qSlicerWidget(qMRMLWidget):  # noqa: N801
    """The same under its other name."""


class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):  # noqa: N801
    """What a scripted module's panel is put into: `parent` of the widget class."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setLayout(QVBoxLayout())
        self._entered = False
        self._instance = None
        self._make = None  # how the harness makes the instance again

    isEntered = Property(bool, lambda self: self._entered)

    self = returning("_instance")

    def enter(self):
        self._entered = True
        getattr(self._instance, "enter", _nothing)()

    def exit(self):
        self._entered = False
        getattr(self._instance, "exit", _nothing)()

    reload = calling("_make")


def _nothing():
    """Stand for a function that the module does not have."""
