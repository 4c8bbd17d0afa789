"""Short ways of declaring a Qt property on a stand-in."""

from __future__ import annotations

import operator

from PySide6.QtCore import Property


def stored(kind, name, default, changed=None):
    """Declare a property that keeps its value, and calls the method `changed` when it differs."""
    attribute = f"_{name}"

    def read(self):
        value = getattr(self, attribute, default)
        return tuple(value) if kind == "QStringList" else value  # a tuple, as in PythonQt

    def write(self, value):
        if value != read(self):
            setattr(self, attribute, value)
            if changed is not None:
                getattr(self, changed)()

    return Property(kind, read, write)


def passed_on(kind, name, to):
    """Declare a property that is that of the widget kept in the attribute `to`."""

    def read(self):
        return getattr(getattr(self, to), name)

    def write(self, value):
        setattr(getattr(self, to), name, value)

    return Property(kind, read, write)


def returning(path):
    """Declare a function that returns what is kept under an attribute, "_view.logic" for one."""
    get = operator.attrgetter(path)
    return lambda self: get(self)


def calling(path):
    """Declare a function that calls one of what is kept, without arguments."""
    get = operator.attrgetter(path)
    return lambda self: get(self)()


def passing(path):
    """Declare a function of one argument that hands it to a function of what is kept."""
    get = operator.attrgetter(path)
    return lambda self, value: get(self)(value)


def doing_nothing():
    """Declare a function of Slicer's that has nothing to do here."""
    return lambda *_: None


def add_setters(cls, names):
    """Give a class those of the functions ``setX(value)`` that are for a property x of it."""

    def setter(name):
        def call(self, value):
            setattr(self, name, value)

        return call

    for name, value in list(vars(cls).items()):
        call = f"set{name[0].upper()}{name[1:]}"
        if isinstance(value, Property) and call in names and call not in vars(cls):
            setattr(cls, call, setter(name))
