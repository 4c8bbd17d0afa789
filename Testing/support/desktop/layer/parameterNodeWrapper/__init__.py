"""A stand-in for Slicer's ``slicer.parameterNodeWrapper``.

A class of annotated fields becomes a view of a parameter node: each field is read from the node and
written to it as text or as a node reference, and can be tied to a widget.

Left out: lists, tuples, dictionaries, parameter packs, colours, unions other than of nodes, making
widgets from a class, serializers and connectors of one's own.
"""

from .annotations import (
    Choice,
    Decimals,
    Default,
    Exclude,
    FloatRange,
    Maximum,
    Minimum,
    NotNone,
    RangeBounds,
    SingleStep,
    WithinRange,
)
from .wrapper import isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "FloatRange",
    "Maximum",
    "Minimum",
    "NotNone",
    "RangeBounds",
    "SingleStep",
    "WithinRange",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
