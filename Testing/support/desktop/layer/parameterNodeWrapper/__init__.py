"""A stand-in for Slicer's ``slicer.parameterNodeWrapper``.

A class of annotated fields becomes a view of a parameter node: each field is read from the node and
written to it as text or as a node reference, and can be tied to a widget.

Left out: lists, tuples, dictionaries, parameter packs, colours, paths, ranges, unions other than of
nodes, annotations that no module here uses, making widgets from a class, serializers and connectors
of one's own.
"""

from .annotations import Choice, Default, WithinRange
from .wrapper import isParameterNodeWrapper, parameterNodeWrapper

__all__ = ["Choice", "Default", "WithinRange", "isParameterNodeWrapper", "parameterNodeWrapper"]
