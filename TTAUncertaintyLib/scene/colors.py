"""Colour nodes for maps: our own tables, and Slicer's where it has them."""

from __future__ import annotations

from typing import Any

import slicer

from ..errors import InputError
from ..resources import resources_folder
from ..results import MapKind
from .stage import Stage

#: The table of the label map of what lies outside a calibration.
OUTSIDE = "Outside calibration"

#: Our tables, as they are called on the screen, and their files.
OWN = {
    "Uncertainty": "uncertainty.ctbl",
    "Error": "error.ctbl",
    "Volume change": "volume-change.ctbl",
    OUTSIDE: "outside.ctbl",
}

#: Tables of Slicer's that suit a map; which of them there are differs between Slicers.
_SUITABLE = ("Inferno", "Viridis", "Magma", "Plasma", "ColdToHotRainbow", "Iron", "Grey")


def color_node(stage: Stage, name: str) -> Any:
    """Return a colour node by name, loading our own table at first use.

    Raises
    ------
    InputError
        If there is no such table, or the file of our own is missing.
    """
    found = stage.scene.GetFirstNode(name, "vtkMRMLColorNode", 0, True)
    if found is not None:
        return found
    if name not in OWN:
        raise InputError(f"There is no colour table '{name}'.", "Choose another one.")
    node = slicer.vtkMRMLColorTableNode()
    storage = slicer.vtkMRMLColorTableStorageNode()
    storage.SetFileName(str(resources_folder() / "ColorTables" / OWN[name]))
    if not storage.ReadData(node):
        raise InputError(f"The colour table {OWN[name]} cannot be read.", "Install again.")
    # Slicer's slice views know transparent and opaque colours and nothing between: the map as a
    # whole is made transparent instead.
    first = 1 if name == OUTSIDE else 0  # of a label map, what is not marked stays away
    for index in range(first, node.GetNumberOfColors()):
        node.SetOpacity(index, 1.0)
    node.SetName(name)
    node.SetSingletonTag(f"TTAUncertainty{name.replace(' ', '')}")
    node.SetTypeToFile()
    return stage.scene.AddNode(node)


def own_colors(kind: MapKind) -> str:
    """Return the name of the table that a kind of map is shown in by default."""
    if kind is MapKind.JACOBIAN:
        return "Volume change"
    return "Error" if kind.is_error else "Uncertainty"


def color_choices(stage: Stage, kind: MapKind) -> list[str]:
    """Return the names of the tables to choose from, the default first."""
    found = (stage.scene.GetFirstNode(name, "vtkMRMLColorNode", 0, True) for name in _SUITABLE)
    return [own_colors(kind), *(node.GetName() for node in found if node is not None)]
