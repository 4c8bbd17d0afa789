"""A stand-in for CTK's foldable container."""

# ruff: noqa: N802  (Qt's names)

from __future__ import annotations

from PySide6.QtCore import Property, QEvent, Qt, Signal
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QSizePolicy,
    QStyle,
    QStyleOption,
    QStyleOptionButton,
    QWidget,
)

from .declared import stored

_HEADER = 26  # pixels


class ctkCollapsibleButton(QAbstractButton):  # noqa: N801
    """A header that folds what is below it. Left out: frame styles, icons, indicator alignment.

    A child that the module hides while it is folded is shown when it is unfolded.
    """

    contentsCollapsed = Signal(bool)  # noqa: N815

    def __init__(self, *arguments):
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        super().__init__(arguments[-1] if arguments and not text else None)
        self._folded = []
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, _HEADER, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.toggled.connect(self._fold)

    flat = stored(bool, "flat", False)
    collapsedHeight = stored(int, "collapsedHeight", 10)  # noqa: N815
    contentsFrameShape = stored(int, "contentsFrameShape", 0)  # noqa: N815

    def _is_collapsed(self):
        return not self.checked

    def _set_collapsed(self, collapsed):
        self.setChecked(not collapsed)

    collapsed = Property(bool, _is_collapsed, _set_collapsed)

    def _fold(self, opened):
        self._hide_or_show()
        self.setMinimumHeight(0 if opened else _HEADER)
        self.setMaximumHeight(16777215 if opened else _HEADER)
        self.contentsCollapsed.emit(not opened)

    def _hide_or_show(self):
        """Hide what is not hidden yet; show again only that."""
        children = [child for child in self.children() if isinstance(child, QWidget)]
        if self.checked:
            for child in children:
                if child in self._folded:
                    child.setVisible(True)
            self._folded = []
        else:
            for child in children:
                if not child.isHidden():
                    self._folded.append(child)
                    child.setVisible(False)

    def event(self, event):
        """What comes in while folded stays out of sight."""
        if event.type() == QEvent.Type.LayoutRequest and not self.checked:
            self._hide_or_show()
        return super().event(event)

    def showEvent(self, event):
        """The same for what was there before the first fold."""
        super().showEvent(event)
        self._hide_or_show()

    def hitButton(self, position):
        """Only the header folds."""
        return position.y() < _HEADER

    def paintEvent(self, _event):
        """Draw the header: a button with an arrow, and a frame around the content."""
        painter = QPainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(_HEADER - 4)
        self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = option.rect.adjusted(6, 5, 0, -5)
        arrow.rect.setWidth(arrow.rect.height())
        element = QStyle.PrimitiveElement
        which = element.PE_IndicatorArrowDown if self.checked else element.PE_IndicatorArrowRight
        self.style().drawPrimitive(which, arrow, painter, self)
        painter.setPen(self.palette.color(QPalette.ColorRole.WindowText))
        painter.drawText(
            option.rect.adjusted(26, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text
        )
