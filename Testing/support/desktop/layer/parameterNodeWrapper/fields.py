"""One field: its type, what it is held to, and how it is kept in the parameter node."""

import types
import typing
from dataclasses import dataclass

import slicer


@dataclass
class WithinRange:
    """What can stand beside a type in ``Annotated``: between two numbers, these included."""

    minimum: float
    maximum: float


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
        self.name, self.type = name, parts[0]
        self.range = next((part for part in parts if isinstance(part, WithinRange)), None)
        self.nodes = _node_classes(self.type)
        self.default = self._beginning() if default is None else default

    def _beginning(self):
        if self.nodes:
            return None
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
        if self.range and not self.range.minimum <= value <= self.range.maximum:
            raise ValueError(f"{value!r} does not satisfy {self.range}")

    def is_in(self, node):
        """Say whether the node has a value for this field."""
        return node.HasParameter(self.name)

    def write(self, node, value):
        self.check(value)
        with slicer.util.NodeModify(node):
            if self.nodes:
                node.SetParameter(self.name, "")
                node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
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
        return self.type(text)
