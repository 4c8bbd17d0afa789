"""Tables of a review as table nodes: seen in Slicer's table views, saved with the scene."""

from __future__ import annotations

from typing import Any

import vtk

from ..review import Table
from ..review.table import Cell, Column
from .result import ResultNodes
from .stage import Stage


def table_role(key: str) -> str:
    """Return the role of a table's node."""
    return f"table.{key}"


def show_table(stage: Stage, result: ResultNodes, table: Table) -> Any:
    """Write a table into its node, making the node at the first call; returns it.

    Numbers are rounded to what a person reads, and stay numbers; the CSV export has all digits.
    """
    node = result.reference(table_role(table.key))
    name = f"{table.title} - {result.title}"
    if node is None:
        node = stage.scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        result.refer(table_role(table.key), node)
    held = node.StartModify()
    node.SetName(name)
    node.RemoveAllColumns()
    for number, column in enumerate(table.columns):
        node.AddColumn(_array(column, [row[number] for row in table.rows]))
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    node.EndModify(held)
    return node


def _array(column: Column, cells: list[Cell]) -> Any:
    numbers = [cell for cell in cells if isinstance(cell, (int, float))]
    if numbers and not any(isinstance(cell, str) for cell in cells):
        array = vtk.vtkDoubleArray()
        for cell in cells:
            value = float("nan") if cell is None or isinstance(cell, str) else float(cell)
            array.InsertNextValue(round(value, column.digits))
    else:
        array = vtk.vtkStringArray()
        for cell in cells:
            array.InsertNextValue("" if cell is None else str(cell))
    array.SetName(column.heading)
    return array
