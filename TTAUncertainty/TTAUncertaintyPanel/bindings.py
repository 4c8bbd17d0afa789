"""Widgets tied to fields of the parameter node where Slicer's own ties do not fit.

Slicer ties node selectors, check boxes and numbers of a fixed range by the property
`SlicerParameterName`. Lists with words of their own, groups of buttons and numbers whose range
depends on the result are tied here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.option import Option

from . import look

#: Takes the name of a field and the value that a person chose for it.
Chosen = Callable[[str, Any], None]


class Binding:
    """One widget and one field. Writing to the widget is never taken for a person's choice."""

    def __init__(self, name: str, chosen: Chosen) -> None:
        self.name = name
        self._chosen = chosen
        self._writing = False

    def show(self, value: Any) -> None:
        """Show a value."""
        self._writing = True
        try:
            self._write(value)
        finally:
            self._writing = False

    def _write(self, value: Any) -> None:
        raise NotImplementedError

    def _tell(self, value: Any) -> None:
        if not self._writing:
            self._chosen(self.name, value)


class ListBinding(Binding):
    """A combo box of words for a field of values."""

    def __init__(
        self, combo: Any, name: str, chosen: Chosen, options: Sequence[Option] = ()
    ) -> None:
        super().__init__(name, chosen)
        self._combo = combo
        self._values: list[str] = []
        self.set_options(options)
        combo.connect("currentIndexChanged(int)", self._on_index)

    def set_options(
        self, options: Sequence[Option], icon: Callable[[int], Any] | None = None
    ) -> None:
        """Offer other choices; nothing happens if they are the ones that are offered already.

        `icon` makes the picture of a row.
        """
        entries = [(option.value, option.title) for option in options]
        if entries == getattr(self, "_entries", None):
            return
        self._entries = entries
        self._writing = True
        try:
            self._combo.clear()
            for row, option in enumerate(options):
                self._combo.addItem(_(option.title), option.value)
                if option.about:
                    self._combo.setItemData(row, _(option.about), 3)  # Qt.ToolTipRole
                if icon is not None:
                    self._combo.setItemIcon(row, icon(row))
            self._values = [value for value, _title in entries]
        finally:
            self._writing = False

    def _write(self, value: Any) -> None:
        row = self._values.index(value) if value in self._values else -1
        if self._combo.currentIndex != row:
            self._combo.setCurrentIndex(row)

    def _on_index(self, row: int) -> None:
        if 0 <= row < len(self._values):
            self._tell(self._values[row])


class Segments(Binding):
    """A row of buttons of which one is chosen, made from what the controls offer.

    Parameters
    ----------
    row
        Widget with a layout, for the buttons; each is named after its value.
    colors
        Of a button while it is chosen, by value.
    """

    def __init__(
        self, row: Any, name: str, chosen: Chosen, colors: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(name, chosen)
        self._row = row
        self._colors = colors or {}
        self._buttons: dict[str, Any] = {}

    def offer(self, options: Sequence[Option], value: str) -> None:
        """Show the options, and the one that is chosen; where none fits the value, none is."""
        if not self._buttons:
            self._buttons = {option.value: self._made(option) for option in options}
            colors = {self._buttons[value]: color for value, color in self._colors.items()}
            look.segments(list(self._buttons.values()), colors)
        for option in options:
            button = self._buttons[option.value]
            button.enabled = not option.why_not
            button.toolTip = _(option.why_not or option.about)
        self.show(value)

    def _made(self, option: Option) -> Any:
        button = qt.QToolButton()
        button.objectName = option.value
        button.text = _(option.title)
        button.checkable = button.autoExclusive = True
        button.sizePolicy = self._row.sizePolicy  # takes its share of the room
        button.connect("clicked()", lambda: self._tell(option.value))
        self._row.layout().addWidget(button)
        return button

    def _write(self, value: Any) -> None:
        choose_one(self._buttons, value)


class NumberBinding(Binding):
    """A spin box or a slider for a field of numbers."""

    def __init__(self, box: Any, name: str, chosen: Chosen, whole: bool = False) -> None:
        super().__init__(name, chosen)
        self._box = box
        box.connect("valueChanged(int)" if whole else "valueChanged(double)", self._tell)

    def set_range(self, low: float, high: float, step: float, decimals: int, suffix: str) -> None:
        """Set what can be chosen; the unit goes into the suffix."""
        self._writing = True
        try:
            self._box.decimals = decimals
            self._box.singleStep = step
            limit(self._box, low, high)
            self._box.suffix = suffix
        finally:
            self._writing = False

    def _write(self, value: Any) -> None:
        if self._box.value != value:
            self._box.value = value


def choose_one(buttons: Mapping[str, Any], value: str) -> None:
    """Let the button of a value be the one that is chosen; none of them where it has none."""
    for own, button in buttons.items():
        if button.checked != (own == value):
            # a button of a group cannot be let go while it is exclusive
            button.autoExclusive = False
            button.checked = own == value
            button.autoExclusive = True


def limit(box: Any, low: float, high: float) -> None:
    """Set the smallest and the largest value of a spin box or slider.

    Through PythonQt, CTK's sliders have `minimum` and `maximum` and no `setRange`. In this order:
    a minimum above the old maximum takes that along.
    """
    box.minimum = low
    box.maximum = high


class NodeBinding(Binding):
    """A node selector for a field that takes several classes of node."""

    def __init__(self, selector: Any, name: str, chosen: Chosen) -> None:
        super().__init__(name, chosen)
        self._selector = selector
        selector.connect("currentNodeChanged(vtkMRMLNode*)", self._tell)

    def _write(self, value: Any) -> None:
        if self._selector.currentNode() is not value:
            self._selector.setCurrentNode(value)


class SwitchBinding(Binding):
    """A check box."""

    def __init__(self, box: Any, name: str, chosen: Chosen) -> None:
        super().__init__(name, chosen)
        self._box = box
        box.connect("toggled(bool)", self._tell)

    def _write(self, value: Any) -> None:
        if self._box.checked != bool(value):
            self._box.checked = bool(value)


class TextBinding(Binding):
    """A line of text; told when the person leaves it or presses Enter."""

    def __init__(self, line: Any, name: str, chosen: Chosen) -> None:
        super().__init__(name, chosen)
        self._line = line
        self._shown = line.text
        line.connect("editingFinished()", self._on_edited)

    def _write(self, value: Any) -> None:
        self._shown = value
        if self._line.text != value:
            self._line.text = value

    def _on_edited(self) -> None:
        if self._line.text != self._shown:
            self._shown = self._line.text
            self._tell(self._shown)
