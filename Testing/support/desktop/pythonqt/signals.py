"""Signals named by a string: ``button.connect("clicked()", f)``.

PySide6 answers ``connect`` itself before it looks at the class, so every object gets its own, as it
is constructed. Objects that Qt makes without Python (``view.selectionModel()``) do not have it:
``model.selectionChanged.connect(f)`` works for those, and in PythonQt too.
"""

from __future__ import annotations

import functools
import re
import weakref

from PySide6 import QtCore

from ..offered import classes, signals
from .gate import held_name, qt_class

_connect = QtCore.QObject.connect
_disconnect = QtCore.QObject.disconnect
_SPACES_AND_CONSTANTS = re.compile(r"\bconst\b|\s|&")
_POINTER_TO_VTK = re.compile(r"vtk\w+\*")


def _signal(owner, signature):
    """What Qt calls this signal. A VTK object travels through PySide6 as a Python object."""
    plain = _SPACES_AND_CONSTANTS.sub("", signature)
    normal = _POINTER_TO_VTK.sub("PyObject", plain)
    name = held_name(type(owner))
    if owner.metaObject().indexOfSignal(normal) < 0 or plain not in signals(name):
        raise ValueError(f"{type(owner).__name__} has no signal {signature}")
    return QtCore.SIGNAL(normal)


class _Method:
    """``connect`` or ``disconnect`` of one object, which it does not keep alive."""

    def __init__(self, owner, function):
        self._owner = weakref.ref(owner)
        self._function = function

    def __call__(self, *arguments):
        if isinstance(arguments[0], QtCore.QObject):  # how PySide6's clicked.connect(f) gets here
            return self._function(*arguments)
        owner = self._owner()
        signal, receiver, slot = (*arguments, None)[:3]
        if isinstance(slot, str):
            return self._function(owner, _signal(owner, signal), receiver, QtCore.SLOT(slot))
        return self._function(owner, _signal(owner, signal), receiver)


def _with_methods(initialise):
    @functools.wraps(initialise)
    def wrapped(self, *arguments, **keywords):
        initialise(self, *arguments, **keywords)
        if not isinstance(self.__dict__.get("connect"), _Method):
            self.__dict__["connect"] = _Method(self, _connect)
            self.__dict__["disconnect"] = _Method(self, _disconnect)

    wrapped.named_signals = True
    return wrapped


def install() -> None:
    """Give every object made from now on ``connect`` and ``disconnect`` by name."""
    for cls in filter(None, map(qt_class, classes())):
        initialise = cls.__dict__.get("__init__") if issubclass(cls, QtCore.QObject) else None
        if initialise is not None and not hasattr(initialise, "named_signals"):
            cls.__init__ = _with_methods(initialise)
