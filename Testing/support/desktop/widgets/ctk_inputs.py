"""Stand-ins for CTK's inputs: a number, a range."""

# ruff: noqa: N802, N815  (Qt's names)

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from .declared import passed_on, stored

_STEPS = 1000  # of a slider, whatever its range


def _row(widget):
    layout = QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    return layout


class ctkSliderWidget(QWidget):  # noqa: N801
    """A slider with a spin box. Left out: ticks, proxies, popup, synchronised siblings."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _STEPS)
        self._box = QDoubleSpinBox()
        self._box.setRange(0, 100)
        layout = _row(self)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self._follow)
        self._slider.valueChanged.connect(self._slid)

    value = passed_on(float, "value", "_box")
    singleStep = passed_on(float, "singleStep", "_box")
    decimals = passed_on(int, "decimals", "_box")
    suffix = passed_on(str, "suffix", "_box")
    prefix = passed_on(str, "prefix", "_box")
    pageStep = stored(float, "pageStep", 10.0)
    tickInterval = stored(float, "tickInterval", 0.0)
    tracking = stored(bool, "tracking", True)
    spinBoxVisible = stored(bool, "spinBoxVisible", True, "_show")

    def _show(self):
        self._box.setVisible(self.spinBoxVisible)

    minimum = Property(
        float, lambda s: s._box.minimum, lambda s, v: s._set_range(v, max(v, s._box.maximum))
    )
    maximum = Property(
        float, lambda s: s._box.maximum, lambda s, v: s._set_range(min(v, s._box.minimum), v)
    )

    def _set_range(self, minimum, maximum):
        self._box.setRange(minimum, maximum)
        self._follow(self._box.value, tell=False)

    def reset(self):
        self.value = self.minimum

    def _follow(self, value, tell=True):
        span = self._box.maximum - self._box.minimum
        self._slider.blockSignals(True)
        share = (value - self._box.minimum) / span if 0 < span < float("inf") else 0
        self._slider.setValue(round(_STEPS * share))
        self._slider.blockSignals(False)
        if tell:
            self.valueIsChanging.emit(value)
            self.valueChanged.emit(value)

    def _slid(self, step):
        span = self._box.maximum - self._box.minimum
        if span < float("inf"):
            self._box.setValue(self._box.minimum + span * step / _STEPS)


def _both_boxes(name):
    def write(self, value):
        setattr(self._low, name, value)
        setattr(self._high, name, value)

    return lambda self: getattr(self._low, name), write


class ctkRangeWidget(QWidget):  # noqa: N801
    """A range as two spin boxes; the slider with two handles between them is left out."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._low, self._high = QDoubleSpinBox(), QDoubleSpinBox()
        layout = _row(self)
        layout.addWidget(self._low, 1)
        layout.addWidget(self._high, 1)
        self.setRange(0, 99)
        self.setValues(0, 99)
        self._low.valueChanged.connect(lambda value: self._changed(value, self._high.value))
        self._high.valueChanged.connect(lambda value: self._changed(self._low.value, value))

    minimumValue = Property(
        float,
        lambda s: s._low.value,
        lambda s, v: s.setValues(min(v, s._high.value), s._high.value),
    )
    maximumValue = Property(
        float, lambda s: s._high.value, lambda s, v: s.setValues(s._low.value, max(v, s._low.value))
    )
    minimum = Property(
        float, lambda s: s._low.minimum, lambda s, v: s.setRange(v, max(v, s._low.maximum))
    )
    maximum = Property(
        float, lambda s: s._low.maximum, lambda s, v: s.setRange(min(v, s._low.minimum), v)
    )

    decimals = Property(int, *_both_boxes("decimals"))
    singleStep = Property(float, *_both_boxes("singleStep"))
    suffix = Property(str, *_both_boxes("suffix"))

    def setRange(self, minimum, maximum):
        self._low.setRange(minimum, maximum)
        self._high.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    def setValues(self, low, high):
        """Set both values at once, and say so once."""
        before = (self._low.value, self._high.value)
        for box, value in ((self._low, low), (self._high, high)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        if (self._low.value, self._high.value) != before:
            self._tell()

    def _changed(self, low, high):
        if low > high:  # the one that moves pushes the other
            sender_is_low = low != getattr(self, "_before", (None, None))[0]
            low, high = (low, low) if sender_is_low else (high, high)
        for box, value in ((self._low, low), (self._high, high)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self._tell()

    def _tell(self):
        low, high = self._before = (self._low.value, self._high.value)
        self.minimumValueChanged.emit(low)
        self.maximumValueChanged.emit(high)
        self.valuesChanged.emit(low, high)
