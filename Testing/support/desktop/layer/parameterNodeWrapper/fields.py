"""One field: its type, what it is held to, and how it is kept in the parameter node."""

import enum
import types
import typing

import slicer

from .annotations import Check, Default


def _node_classes(annotation):
    """Return a type's node classes and whether it allows None, or None if it is of other kind."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = typing.get_args(annotation)
    else:
        parts = (annotation, type(None))
    classes = tuple(part for part in parts if part is not type(None))
    if not all(isinstance(part, type) and issubclass(part, slicer.vtkMRMLNode) for part in classes):
        return None
    return classes, type(None) in parts


class Field:
    """A named, typed value in a parameter node.

    Parameters
    ----------
    name
        Of the field, and of the parameter in the node.
    annotation
        Its type, perhaps ``Annotated``.
    default
        Its value where none is written; None means what its type begins with.
    """

    def __init__(self, name, annotation, default):
        parts = typing.get_args(typing.Annotated[annotation, None])
        self.name, self.type, self.annotations = name, parts[0], parts[1:-1]
        self.nodes = _node_classes(self.type)
        first = (part.value for part in self.annotations if isinstance(part, Default))
        self.default = next(first, self._beginning()) if default is None else default

    def find(self, kind):
        """Return the first annotation of a kind, or None."""
        return next((part for part in self.annotations if isinstance(part, kind)), None)

    def _beginning(self):
        if self.nodes:
            return None
        if isinstance(self.type, type) and issubclass(self.type, enum.Enum):
            return next(iter(self.type))
        if self.type in (int, float, str, bool):
            return self.type()
        raise TypeError(f"{self.name}: the stand-in cannot keep a {self.type}")

    def check(self, value):
        """Raise ValueError or TypeError for a value that may not be written."""
        if self.nodes:
            classes, optional = self.nodes
            fits = optional if value is None else isinstance(value, classes)
        elif self.type is float:
            fits = isinstance(value, (int, float))
        else:
            fits = isinstance(value, self.type)
        if not fits:
            raise TypeError(f"{self.name} is a {self.type}, not {value!r}")
        for part in self.annotations:
            if isinstance(part, Check):
                part.validate(value)

    def is_in(self, node):
        """Say whether the node has a value for this field."""
        return node.HasParameter(self.name)

    def write(self, node, value):
        self.check(value)
        with slicer.util.NodeModify(node):
            if self.nodes:
                node.SetParameter(self.name, "")
                node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            elif isinstance(value, enum.Enum):
                node.SetParameter(self.name, value.name)
            else:
                node.SetParameter(self.name, str(value))

    def read(self, node):
        """Read the value from the node; the default is written first where there is none."""
        if not self.is_in(node):
            self.write(node, self.default)
        if self.nodes:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if self.type is bool:
            return text == "True"
        if issubclass(self.type, enum.Enum):
            return self.type[text]
        return self.type(text)
