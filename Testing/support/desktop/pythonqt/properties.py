"""Qt properties as Python attributes: ``label.text``, ``box.checked = True``, ``timer.interval``.

Left out: properties that are also virtual functions (``sizeHint``), since PySide6 looks these up
by name when Qt calls them.
"""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

_VIRTUAL = {"sizeHint", "minimumSizeHint", "duration"}


class _Attribute:
    """Descriptor that reads and writes one property of an instance.

    Asked of the class, it is still the function of that name, so that ``QTimer.singleShot(0, f)``
    works beside ``timer.singleShot = True``.
    """

    def __init__(self, name, getter, setter, function):
        self.name = name
        self.getter = getter
        self.setter = setter
        self.function = function

    def __get__(self, instance, owner):
        if instance is None:
            if self.function is None:
                raise AttributeError(f"{owner.__name__} has no function {self.name}")
            return self.function
        if self.getter is None:
            return instance.property(self.name)
        return self.getter(instance)

    def __set__(self, instance, value):
        if self.setter is None:
            if not instance.setProperty(self.name, value):
                raise AttributeError(f"{type(instance).__name__}.{self.name} cannot be set")
        else:
            self.setter(instance, value)


def qobject_classes():
    """All classes of PySide6's QtCore, QtGui and QtWidgets that derive from QObject."""
    found = {}
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):  # PySide6 makes its classes as they are asked for
            value = getattr(module, name)
            if isinstance(value, type) and issubclass(value, QtCore.QObject):
                found[value] = None
    return list(found)


def _own(cls, *names):
    for name in names:
        function = getattr(cls, name, None)
        if callable(function) and not isinstance(function, QtCore.Signal):
            return function
    return None


def install() -> None:
    """Make every property of every Qt class an attribute. Doing it again does nothing."""
    if isinstance(QtCore.QObject.__dict__.get("name"), _Attribute):
        return
    found = []
    for cls in qobject_classes():
        meta = cls.staticMetaObject
        for index in range(meta.propertyOffset(), meta.propertyCount()):
            name = meta.property(index).name()
            if name in _VIRTUAL:
                continue
            tail = name[0].upper() + name[1:]
            getter = _own(cls, name, f"is{tail}", f"has{tail}")
            if name == "singleShot":  # the function of that name starts a timer
                getter = cls.isSingleShot
            setter = _own(cls, f"set{tail}")
            found.append((cls, _Attribute(name, getter, setter, _own(cls, name))))
    # First all are gathered, then all are set: a class must not take its parent's attribute for
    # a function.
    for cls, attribute in found:
        setattr(cls, attribute.name, attribute)
    base = QtCore.QObject
    base.name = _Attribute("objectName", _getter_of(base, "objectName"), base.setObjectName, None)
    base.className = lambda self: self.metaObject().className()


def _getter_of(cls, name):
    return cls.__dict__[name].getter
