"""Qt's classes as PythonQt shows them: properties are attributes, what is not offered is refused.

PySide6 shows every public function of Qt and hides the properties. PythonQt shows the properties,
and refuses whatever it does not offer (`offered`) with the errors that are raised here. Left out:
classes that only Qt hands out and that are not in names.json, which stay as PySide6 has them; and
that a scoped enumeration (``qt.QFont.Weight.Bold``) is not there.
"""

from __future__ import annotations

from inspect import getattr_static
from typing import Any

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets
from shiboken6 import isValid

from ..offered import classes, offered

ROOMS = (QtCore, QtGui, QtWidgets, QtUiTools)
#: What PySide6 itself asks of objects, the virtual functions that Qt 6 added among it (it cannot
#: stand an error there); and what PythonQt calls an objectName.
_KEPT = {
    "clearItemData",
    "clone",
    "connectNotify",
    "disconnectNotify",
    "emit",
    "encodeMetricF",
    "initPainter",
    "initStyleOptionForIndex",
    "initViewItemOption",
    "itemDelegateForIndex",
    "multiData",
    "name",
    "redirected",
    "resolveInterface",
    "sharedPainter",
    "skipData",
    "staticMetaObject",
}
_WRITTEN = {
    "methods": "Slot",
    "signals": "Signal",
    "values": "EnumValue",
    "enums": "Enum",
}
_set_with_qt = QtCore.QObject.__setattr__
_held: dict[type, str] = {}


class _Property:
    """Descriptor that reads and writes one property of an instance.

    Asked of the class it is the function of that name, which Qt's own code in Python needs.
    """

    def __init__(self, name: str, getter: Any, setter: Any, function: Any) -> None:
        self.name = name
        self.getter = getter
        self.setter = setter
        self.function = function
        self._reading: set[int] = set()

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            if self.function is None:
                raise AttributeError(f"{owner.__name__} has no function {self.name}")
            return self.function
        if id(instance) in self._reading:
            return None  # Qt asks whether its virtual function of this name is replaced: it is not
        self._reading.add(id(instance))
        try:
            if self.getter is None:
                return instance.property(self.name)
            return self.getter(instance)
        finally:
            self._reading.discard(id(instance))

    def __set__(self, instance: Any, value: Any) -> None:
        if self.setter is not None:
            self.setter(instance, value)
        elif not instance.setProperty(self.name, value):
            message = f"Property '{self.name}' does not accept an object of type {type(value)}"
            raise AttributeError(f"{message} ({value!r})")


class Refused:
    """Descriptor in place of what PySide6 or a stand-in has and PythonQt does not offer."""

    def __init__(self, name: str, refused: Any) -> None:
        self.name = name
        self.refused = refused

    def __get__(self, instance: Any, owner: type) -> Any:
        raise AttributeError(f"{held_name(owner)} has no attribute named '{self.name}'")


def hold(cls: type, name: str) -> None:
    """Let instances of a class offer what the class of this name offers, and nothing else."""
    allowed = offered(name).keys() | _KEPT
    _held[cls] = name
    for attribute in dir(cls):
        found = getattr_static(cls, attribute)
        if attribute.startswith("_") or isinstance(found, type):  # a scoped enumeration
            continue
        if attribute not in allowed and attribute.removesuffix("_") not in allowed:  # exec_ is exec
            if not isinstance(found, Refused):
                setattr(cls, attribute, Refused(attribute, found))
        elif isinstance(found, Refused):
            setattr(cls, attribute, found.refused)
    if issubclass(cls, QtCore.QObject) and cls is not QtCore.QObject:
        cls.__setattr__ = _set


def install() -> None:
    """Bend Qt's classes. Doing it again does nothing."""
    if QtCore.QObject in _held:
        return
    found = {name: cls for name in classes() if (cls := qt_class(name)) is not None}
    properties = [p for cls in found.values() if issubclass(cls, QtCore.QObject) for p in _own(cls)]
    # First all are gathered, then all are set: a class must not take its parent's attribute for
    # a function.
    for cls, attribute in properties:
        setattr(cls, attribute.name, attribute)
    base = QtCore.QObject
    getter = vars(base)["objectName"].getter
    base.name = _Property("objectName", getter, base.setObjectName, None)
    base.className = lambda self: self.metaObject().className()
    base.__getattr__ = _missing
    for name, cls in sorted(found.items(), key=lambda item: len(item[1].__mro__)):
        hold(cls, name)


def qt_class(name: str) -> Any:
    """Return Qt's class of a name, or None."""
    return next((getattr(room, name) for room in ROOMS if hasattr(room, name)), None)


def _own(cls: Any) -> list[tuple[type, _Property]]:
    """The properties that a class adds to those of its parent, or has a function for."""
    meta, kinds = cls.staticMetaObject, offered(cls.__name__)
    names = [meta.property(i).name() for i in range(meta.propertyOffset(), meta.propertyCount())]
    names += [name for name, found in vars(cls).items() if callable(found)]
    found = []
    for name in dict.fromkeys(names):
        if kinds.get(name) in ("properties", "constants"):
            tail = name[0].upper() + name[1:]
            getter = _function(cls, name, f"is{tail}", f"has{tail}")
            setter = _function(cls, f"set{tail}")
            found.append((cls, _Property(name, getter, setter, _function(cls, name))))
    return found


def _function(cls: Any, *names: str) -> Any:
    for name in names:
        function = getattr(cls, name, None)
        if callable(function) and not isinstance(function, QtCore.Signal):
            return function
    return None


def held_name(cls: type) -> str:
    """Return what PythonQt calls a class, or the class that Python derives it from."""
    return next(_held[base] for base in cls.__mro__ if base in _held)


def _set(self: Any, name: str, value: Any) -> None:
    """Write an attribute, unless PythonQt would not."""
    if not name.startswith("_"):
        kind = offered(held_name(type(self))).get(name)
        if kind in _WRITTEN:
            raise AttributeError(
                f"{_WRITTEN[kind]} '{name}' can not be overwritten on {type(self).__name__} object"
            )
        if kind == "constants":
            raise AttributeError(
                f"Property '{name}' of {type(self).__name__} object is not writable"
            )
        if kind is None and name != "name" and type(self) in _held:
            raise AttributeError(
                f"'{name}' does not exist on {type(self).__name__} and creating new attributes on "
                "C++ objects is not allowed"
            )
    _set_with_qt(self, name, value)


def _missing(self: Any, name: str) -> Any:
    """Find what is not an attribute: a dynamic property, or a child by its name."""
    if not name.startswith("_") and isValid(self):
        if name in [bytes(known).decode() for known in self.dynamicPropertyNames()]:
            return self.property(name)
        for child in self.children():
            if child.name == name:
                return child
    raise AttributeError(f"{held_name(type(self))} has no attribute named '{name}'")
