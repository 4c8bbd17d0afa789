"""How each kind of widget shows a field: what is set up, read, written, and which signal tells."""

import enum
import pathlib

import ctk
import qt
import slicer

from .annotations import (
    Choice,
    Decimals,
    FloatRange,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
)


class Connection:
    """A widget tied to a field. Which class of connection it is depends on both."""

    signal = ""

    def __init__(self, widget, field):
        self.widget, self.field = widget, field
        self.callback = None
        self.prepare()

    def prepare(self):
        """Set the widget up for the field's type and limits."""

    def start(self, callback):
        """Call the callback whenever the widget changes."""
        self.callback = callback
        if self.signal:
            getattr(self.widget, self.signal).connect(self._changed)

    def stop(self):
        """Let go of the widget."""
        self.callback = None
        if self.signal:
            getattr(self.widget, self.signal).disconnect(self._changed)

    def _changed(self, *_):
        if self.callback is not None:
            self.callback(self.read())


class _Attribute(Connection):
    attribute = ""

    def read(self):
        return getattr(self.widget, self.attribute)

    def write(self, value):
        setattr(self.widget, self.attribute, value)


class _Checked(_Attribute):
    attribute, signal = "checked", "toggled"

    def prepare(self):
        self.widget.checkable = True


class _CheckBox(_Attribute):
    attribute, signal = "checked", "stateChanged"


class _Text(_Attribute):
    attribute, signal = "text", "textChanged"

    def write(self, value):
        if value != self.widget.text:  # else the cursor would jump
            self.widget.text = value


class _Label(_Attribute):
    attribute = "text"


class _PlainText(Connection):
    signal = "textChanged"

    def read(self):
        return self.widget.toPlainText()

    def write(self, value):
        self.widget.setPlainText(value)


class _Number(_Attribute):
    attribute, signal = "value", "valueChanged"
    endless = (-(2**31), 2**31 - 1)

    def prepare(self):
        field = self.field
        both = field.find(WithinRange)
        low, high = both or field.find(Minimum), both or field.find(Maximum)
        sliders = (qt.QSlider, ctk.ctkSliderWidget, slicer.qMRMLSliderWidget)
        if type(self.widget) in sliders and not (low and high):
            raise RuntimeError(f"{field.name}: a slider needs a smallest and a largest value")
        for kind, name in ((Decimals, "decimals"), (SingleStep, "singleStep")):
            found = field.find(kind)
            if found is not None:
                setattr(self.widget, name, found.value)
        self.widget.minimum = low.minimum if low else self.endless[0]
        self.widget.maximum = high.maximum if high else self.endless[1]

    def read(self):
        return self.field.type(self.widget.value)


class _Real(_Number):
    endless = (float("-inf"), float("inf"))

    def prepare(self):
        if self.field.type is int and not isinstance(self.widget, ctk.ctkDoubleSlider):
            self.widget.decimals = 0
        super().prepare()


class _Range(Connection):
    signal = "valuesChanged"

    def prepare(self):
        bounds = self.field.find(RangeBounds)
        if bounds is None:
            raise RuntimeError(f"{self.field.name}: a range widget needs RangeBounds")
        self.widget.setRange(bounds.minimum, bounds.maximum)

    def read(self):
        return FloatRange(self.widget.minimumValue, self.widget.maximumValue)

    def write(self, value):
        self.widget.setValues(value.minimum, value.maximum)


class _Combo(Connection):
    signal = "currentIndexChanged"

    def prepare(self):
        if issubclass(self.field.type, enum.Enum):
            self.values = list(self.field.type)
            label = getattr(self.field.type, "label", lambda value: value.name)
        else:
            choice = self.field.find(Choice)
            if choice is None:
                raise RuntimeError(f"{self.field.name}: a combo box needs the annotation Choice")
            self.values, label = list(choice.choices), str
        self.widget.clear()
        for value in self.values:
            self.widget.addItem(label(value))

    def read(self):
        return self.values[self.widget.currentIndex]

    def write(self, value):
        self.widget.currentIndex = self.values.index(value)


class _Path(_Attribute):
    attribute, signal = "currentPath", "currentPathChanged"

    def read(self):
        return self.field.type(super().read())

    def write(self, value):
        super().write(str(value))


class _Folder(_Path):
    attribute, signal = "directory", "directoryChanged"


class _Node(Connection):
    signal = "currentNodeChanged"

    def prepare(self):
        self.widget.nodeTypes = [cls().GetClassName() for cls in self.field.nodes[0]]

    def read(self):
        return self.widget.currentNode()

    def write(self, value):
        self.widget.setCurrentNode(value)


_REAL = (
    qt.QDoubleSpinBox,
    ctk.ctkSliderWidget,
    ctk.ctkDoubleSlider,
    ctk.ctkDoubleSpinBox,
    slicer.qMRMLSliderWidget,
    slicer.qMRMLSpinBox,
)
_RANGES = (ctk.ctkRangeWidget, ctk.ctkDoubleRangeSlider, slicer.qMRMLRangeWidget)
_TABLE = (
    ((qt.QCheckBox, ctk.ctkCheckBox), (bool,), _CheckBox),
    ((qt.QPushButton, ctk.ctkCheckablePushButton), (bool,), _Checked),
    ((qt.QSlider, qt.QSpinBox), (int,), _Number),
    (_REAL, (int, float), _Real),
    ((qt.QComboBox, ctk.ctkComboBox), (int, float, str, bool, enum.Enum), _Combo),
    ((qt.QLineEdit,), (str,), _Text),
    ((qt.QLabel,), (str,), _Label),
    ((qt.QTextEdit,), (str,), _PlainText),
    (_RANGES, (FloatRange,), _Range),
    ((ctk.ctkPathLineEdit,), (pathlib.PurePath,), _Path),
    ((ctk.ctkDirectoryButton,), (pathlib.PurePath,), _Folder),
)


def connection(widget, field):
    """Return the connection between a widget and a field.

    As in Slicer the widget's class must be one of those listed, not one derived from it.

    Raises
    ------
    RuntimeError
        If such a widget cannot show such a field.
    """
    if field.nodes and type(widget) is slicer.qMRMLNodeComboBox:
        return _Node(widget, field)
    for widgets, kinds, found in _TABLE:
        if type(widget) in widgets and any(_is(field.type, kind) for kind in kinds):
            return found(widget, field)
    raise RuntimeError(f"{field.name}: a {type(widget).__name__} cannot show a {field.type}")


def _is(kind, wanted):
    """Subclass, but a bool is no int here."""
    if not isinstance(kind, type):
        return False
    return kind is wanted or (wanted in (enum.Enum, pathlib.PurePath) and issubclass(kind, wanted))
