"""A layout's description, and the pictures of its views arranged as it says.

Slicer's layout logic keeps the descriptions; here they are read, and drawn without windows.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

_BAR = 20  # pixels, height of the coloured bar above a view


@dataclass
class Box:
    """Views or boxes side by side ("horizontal"), below each other, or on a grid ("grid").

    ``items`` holds for each the part, its row and its column.
    """

    kind: str
    items: list[tuple[Box | View, int, int]] = field(default_factory=list)

    def views(self) -> list[View]:
        """Return all views in it, in reading order."""
        found = []
        for part, _, _ in self.items:
            found += [part] if isinstance(part, View) else part.views()
        return found


@dataclass
class View:
    """One view: its node's class, its name, and what the description says of it."""

    class_name: str
    name: str
    properties: dict[str, str]


def parse(description: str) -> Box:
    """Read a layout's description. Tabs and docks are left out; plots and tables are skipped."""
    return _box(ElementTree.fromstring(description))


def _box(element: ElementTree.Element) -> Box:
    box = Box(element.get("type", "horizontal"))
    for index, item in enumerate(element.findall("item")):
        place = int(item.get("row", index)), int(item.get("column", 0))
        for part in item:
            if part.tag == "layout":
                box.items.append((_box(part), *place))
            elif part.get("class") in ("vtkMRMLSliceNode", "vtkMRMLViewNode"):
                properties = {p.get("name"): p.text or "" for p in part.findall("property")}
                view = View(part.get("class"), part.get("singletontag", ""), properties)
                box.items.append((view, *place))
    return box


class Picture(QLabel):
    """A view's place in the window. It takes the size that the layout gives it."""

    def __init__(self, view):
        super().__init__()
        self.view = view
        self.setMinimumSize(16, 16)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def draw(self):
        """Draw the view at this size, and put its picture here."""
        self.view.size = (self.width, self.height)
        self.view.attach()
        pixels = np.ascontiguousarray(self.view.render())
        height, width, _ = pixels.shape
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self.setPixmap(QPixmap.fromImage(image.copy()))


def arrange(box: Box, view_named) -> QWidget:
    """Make a widget with a place for every view of a layout that `view_named` finds."""
    widget = QWidget()
    layouts = {"vertical": QVBoxLayout, "grid": QGridLayout}
    layout = layouts.get(box.kind, QHBoxLayout)(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    for part, row, column in box.items:
        inner = arrange(part, view_named) if isinstance(part, Box) else _framed(part, view_named)
        if inner is None:
            continue
        if box.kind == "grid":
            layout.addWidget(inner, row, column)
        else:
            layout.addWidget(inner, 1)
    return widget


def _framed(part: View, view_named) -> QWidget | None:
    view = view_named(part.name)
    if view is None:
        return None
    frame = QWidget()
    column = QVBoxLayout(frame)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    bar = QLabel(f" {view.node.GetLayoutLabel() or part.name}")
    red, green, blue = (round(255 * value) for value in view.node.GetLayoutColor())
    bar.setStyleSheet(f"background: rgb({red},{green},{blue}); color: black; font-weight: bold;")
    bar.setFixedHeight(_BAR)
    column.addWidget(bar)
    column.addWidget(Picture(view), 1)
    return frame
