"""A stand-in for Slicer's ``slicer.parameterNodeWrapper``.

A class of annotated fields becomes a view of a parameter node: each field is read from the node and
written to it as text or as a node reference, and can be tied to a widget.

Left out: enumerations, lists, tuples, dictionaries, parameter packs, colours, paths, ranges, unions
other than of nodes, combo boxes, annotations other than `WithinRange`, making widgets from a class,
serializers and connectors of one's own.
"""

from .fields import WithinRange
from .wrapper import parameterNodeWrapper

__all__ = ["WithinRange", "parameterNodeWrapper"]
