"""How each kind of widget shows a field: what is set up, read, written, and which signal tells."""

import ctk
import qt
import slicer


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
        self.callback = callback
        if self.signal:
            getattr(self.widget, self.signal).connect(self._changed)

    def stop(self):
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


class _CheckBox(_Attribute):
    attribute, signal = "checked", "stateChanged"


class _Text(_Attribute):
    attribute, signal = "text", "textChanged"

    def write(self, value):
        if value != self.widget.text:  # else the cursor would jump
            self.widget.text = value


class _Number(_Attribute):
    attribute, signal = "value", "valueChanged"
    endless = (-(2**31), 2**31 - 1)

    def prepare(self):
        both = self.field.range
        if type(self.widget) in (qt.QSlider, ctk.ctkSliderWidget) and both is None:
            raise RuntimeError(f"{self.field.name}: a slider needs a smallest and a largest value")
        self.widget.minimum = both.minimum if both else self.endless[0]
        self.widget.maximum = both.maximum if both else self.endless[1]

    def read(self):
        return self.field.type(self.widget.value)


class _Real(_Number):
    endless = (float("-inf"), float("inf"))

    def prepare(self):
        if self.field.type is int:
            self.widget.decimals = 0
        super().prepare()


class _Node(Connection):
    signal = "currentNodeChanged"

    def prepare(self):
        self.widget.nodeTypes = [cls().GetClassName() for cls in self.field.nodes[0]]

    def read(self):
        return self.widget.currentNode()

    def write(self, value):
        self.widget.setCurrentNode(value)


_TABLE = (
    ((qt.QCheckBox,), (bool,), _CheckBox),
    ((qt.QSlider, qt.QSpinBox), (int,), _Number),
    ((qt.QDoubleSpinBox, ctk.ctkSliderWidget), (int, float), _Real),
    ((qt.QLineEdit,), (str,), _Text),
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
        if type(widget) in widgets and field.type in kinds:
            return found(widget, field)
    raise RuntimeError(f"{field.name}: a {type(widget).__name__} cannot show a {field.type}")
