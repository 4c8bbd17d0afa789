"""Rows of widgets, made of what the controls say there is to be set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.control import Control, Line, Node, Number, OneOf, Row, Switch

from .bindings import (
    Binding,
    Chosen,
    ListBinding,
    NodeBinding,
    NumberBinding,
    SwitchBinding,
    TextBinding,
    limit,
)

#: Of the labels on the left, pixels: those of all sections end in one line.
_LABEL_WIDTH = 104

#: Columns of a form: a label and a widget, twice.
_COLUMNS = 4


class Form:
    """The rows of a part of the panel. Each widget is named after the field that it sets.

    Parameters
    ----------
    body
        Widget that the rows are made in.
    ui
        Where the widgets can be found by name; None keeps them to the form.
    """

    def __init__(self, body: Any, chosen: Chosen, ui: Any = None) -> None:
        self._body, self._chosen, self._ui = body, chosen, ui
        outer = qt.QVBoxLayout(body)
        outer.setContentsMargins(0, 0, 0, 0)
        self._rows: Any = None
        self._made: list[tuple[str, Control]] = []
        self._bindings: dict[str, Binding] = {}
        self._widgets: dict[str, tuple[Any, ...]] = {}

    def show(self, rows: Sequence[Row]) -> None:
        """Show rows: their values, their options, and why some cannot be set."""
        made = [(row.name, row.control) for row in rows]
        if made != self._made:
            self._made = made
            self._make(rows)
        for row in rows:
            binding = self._bindings[row.name]
            if isinstance(binding, ListBinding):
                binding.set_options(row.options)
            binding.show(row.value)
            for widget in self._widgets[row.name]:
                widget.enabled = not row.why_not
                widget.toolTip = _(row.why_not or row.control.about)

    def _make(self, rows: Sequence[Row]) -> None:
        if self._rows is not None:
            self._rows.hide()
            self._rows.setParent(None)  # or its widgets would be found by name until it is gone
            self._rows.deleteLater()
        self._rows = qt.QWidget()
        grid = qt.QGridLayout(self._rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnMinimumWidth(0, _LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        line = column = 0
        for row in rows:
            label, widget, self._bindings[row.name] = self._row(row.name, row.control)
            half = isinstance(row.control, Number) or getattr(row.control, "half", False)
            if column and not half:
                line, column = line + 1, 0
            if half:
                grid.setColumnStretch(3, 1)
            if label is None:
                grid.addWidget(widget, line, 0, 1, _COLUMNS)
            else:
                grid.addWidget(label, line, column)
                grid.addWidget(widget, line, column + 1, 1, 1 if half else _COLUMNS - 1)
            self._widgets[row.name] = (widget,) if label is None else (label, widget)
            column = 2 if half and not column else 0
            line += not column
        self._body.layout().addWidget(self._rows)

    def _row(self, name: str, control: Control) -> tuple[Any, Any, Binding]:
        widget, binding = _KINDS[type(control)](name, control, self._chosen)
        widget.objectName = name
        if self._ui is not None:
            setattr(self._ui, name, widget)
        if isinstance(control, Switch):
            return None, widget, binding
        label = qt.QLabel(_(control.title) + ":")
        label.objectName = f"{name}Label"
        return label, widget, binding


def _list(name: str, control: OneOf, chosen: Chosen) -> tuple[Any, Binding]:
    combo = qt.QComboBox()
    combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
    combo.minimumContentsLength = 4 if control.half else 8
    return combo, ListBinding(combo, name, chosen, control.options)


def _number(name: str, control: Number, chosen: Chosen) -> tuple[Any, Binding]:
    whole = not control.decimals
    box = qt.QSpinBox() if whole else qt.QDoubleSpinBox()
    if not whole:
        box.decimals = control.decimals
    low, high, box.singleStep = (
        int(value) if whole else value for value in (control.low, control.high, control.step)
    )
    limit(box, low, high)
    box.suffix = f" {control.unit}" if control.unit else ""
    box.specialValueText = _(control.lowest) if control.lowest else ""
    box.keyboardTracking = False
    box.setMinimumWidth(70)
    return box, NumberBinding(box, name, chosen, whole)


def _switch(name: str, control: Switch, chosen: Chosen) -> tuple[Any, Binding]:
    box = qt.QCheckBox(_(control.title))
    return box, SwitchBinding(box, name, chosen)


def _node(name: str, control: Node, chosen: Chosen) -> tuple[Any, Binding]:
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = list(control.classes)
    selector.showChildNodeTypes = selector.addEnabled = selector.removeEnabled = False
    selector.noneEnabled = True
    selector.noneDisplay = _(control.none)
    selector.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon
    selector.setMRMLScene(slicer.mrmlScene)
    return selector, NodeBinding(selector, name, chosen)


def _line(name: str, _control: Line, chosen: Chosen) -> tuple[Any, Binding]:
    line = qt.QLineEdit()
    return line, TextBinding(line, name, chosen)


_KINDS: dict[type, Callable[[str, Any, Chosen], tuple[Any, Binding]]] = {
    OneOf: _list,
    Number: _number,
    Switch: _switch,
    Node: _node,
    Line: _line,
}
