"""The panel's look: small print, groups of buttons, messages, colour bars.

Colours are taken from the palette, or are such that they can be read on a light and on a dark one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt

from .timers import after

#: Colours of verdicts and of messages; white letters can be read on them.
GOOD, CARE, BAD, PLAIN = "#2e7d32", "#b26500", "#c62828", "#4a78a8"
VERDICT_COLORS = {"accept": GOOD, "check": CARE, "reject": BAD}

#: Width and height of the picture of a colour table, pixels.
BAR_SIZE = (48, 12)

_IS_SMALL = "isSmallPrint"
_SMALL = 0.92
_SOFT_ALPHA = 190

_SEGMENT = (
    "QToolButton { border: 1px solid palette(mid); border-right-width: 0; padding: 3px 2px;"
    " background: palette(button); }"
    "QToolButton#FIRST { border-top-left-radius: 4px; border-bottom-left-radius: 4px; }"
    "QToolButton#LAST { border-right-width: 1px; border-top-right-radius: 4px;"
    " border-bottom-right-radius: 4px; }"
    "QToolButton:hover:!checked { background: palette(light); }"
    "QToolButton:checked { background: palette(highlight); color: palette(highlighted-text); }"
    "QToolButton:disabled { color: palette(mid); }"
)


def small_print(label: Any) -> None:
    """Make a label smaller and softer than what it explains; a second time changes nothing."""
    if label.property(_IS_SMALL):
        return
    label.setProperty(_IS_SMALL, True)
    font = qt.QFont(label.font)
    font.setPointSizeF(max(7.0, font.pointSizeF() * _SMALL))
    label.setFont(font)
    ink = label.palette.color(qt.QPalette.WindowText)
    label.setStyleSheet(f"color: rgba({ink.red()}, {ink.green()}, {ink.blue()}, {_SOFT_ALPHA});")


def linked(label: Any, do: Callable[[str], None]) -> None:
    """Make a label of small print whose links call a function with what they are to do."""
    small_print(label)
    label.textFormat = qt.Qt.RichText
    label.setTextInteractionFlags(qt.Qt.LinksAccessibleByMouse)
    label.openExternalLinks = False
    label.connect("linkActivated(QString)", do)


def segments(buttons: Sequence[Any], colors: Mapping[Any, str] | None = None) -> None:
    """Make buttons of which one is chosen look like one thing.

    Parameters
    ----------
    colors
        Of a button while it is chosen; the palette's highlight for those that are missing.
    """
    for button in buttons:
        first, last = button is buttons[0], button is buttons[-1]
        style = _SEGMENT.replace("#FIRST", "" if first else "#none")
        style = style.replace("#LAST", "" if last else "#none")
        color = (colors or {}).get(button)
        if color:
            style += f"QToolButton:checked {{ background: {color}; color: white; }}"
        button.setStyleSheet(style)


def message(frame: Any, color: str) -> None:
    """Give a frame the look of a message: a bar of its colour on the left, a tint behind."""
    tint = qt.QColor(color)
    frame.setStyleSheet(
        f"QFrame#{frame.objectName} {{ border: none; border-left: 4px solid {color};"
        f" background: rgba({tint.red()}, {tint.green()}, {tint.blue()}, 26); }}"
    )


def tint(table: Any, item: Any, color: str | None) -> None:
    """Write a cell of a table in a colour, lighter on a dark one; None for the table's own."""
    if color is None:
        item.setData(qt.Qt.ForegroundRole, None)
        return
    ink = qt.QColor(color)
    if table.palette.color(qt.QPalette.Base).lightness() < 128:
        ink = ink.lighter(170)
    item.setForeground(qt.QBrush(ink))


def color_bar(node: Any) -> Any:
    """Return a picture of a colour node, from low to high."""
    width, height = BAR_SIZE
    picture = qt.QPixmap(width, height)
    painter = qt.QPainter(picture)
    count = node.GetNumberOfColors()
    rgba = [0.0] * 4
    for x in range(width):
        node.GetColor(min(count - 1, x * count // width), rgba)
        color = qt.QColor(*(round(255 * part) for part in rgba[:3]))
        painter.fillRect(x, 0, 1, height, color)
    painter.end()
    return qt.QIcon(picture)


def media_icon(button: Any, what: str) -> None:
    """Give a button the picture of a player's key: "first", "play" or "pause"."""
    icons = {
        "first": qt.QStyle.SP_MediaSkipBackward,
        "play": qt.QStyle.SP_MediaPlay,
        "pause": qt.QStyle.SP_MediaPause,
    }
    button.text = ""
    button.setIcon(button.style().standardIcon(icons[what]))


def fitting_tabs(tabs: Any, bodies: Sequence[Any]) -> Any:
    """Let tabs be as high as the page that is shown, and not as the highest of them.

    Returns an object to be kept as long as they are to follow what changes on the page.

    Parameters
    ----------
    tabs
        QTabWidget.
    bodies
        For each page the one widget that holds all of it.
    """

    def fit(current: int) -> None:
        for number, body in enumerate(bodies):
            body.visible = number == current

    tabs.connect("currentChanged(int)", fit)
    fit(tabs.currentIndex)
    return _GrowingTabs(tabs)


class _GrowingTabs(qt.QObject):
    """Tells the form of a page that has become higher: Qt's tabs keep that to themselves."""

    def __init__(self, tabs: Any) -> None:
        qt.QObject.__init__(self, tabs)
        self._tabs = tabs
        tabs.installEventFilter(self)

    def eventFilter(self, _tabs: Any, event: Any) -> bool:
        """Pass a page's request on."""
        if event.type() == qt.QEvent.LayoutRequest:
            self._tabs.updateGeometry()
        return False


class Fitting(qt.QObject):
    """Keeps a form as high as its wrapped text needs at its width, and as wide as its rows need.

    Slicer's module panel goes on with the height of an earlier width after another module was
    shown, and squashes the rows. And it is never narrower than the form's own smallest width: the
    panel would become wider, and every view be drawn again, when a result unfolds a section.

    Parameters
    ----------
    form
        Widget with a layout.
    """

    def __init__(self, form: Any) -> None:
        qt.QObject.__init__(self, form)
        self._form = form
        self._narrowest = form.minimumWidth
        self._later = after(0, self._fit)
        form.installEventFilter(self)

    def eventFilter(self, _form: Any, event: Any) -> bool:
        """Fit it after its layout or its width has changed."""
        if self._form is not None and event.type() in (qt.QEvent.LayoutRequest, qt.QEvent.Resize):
            self._later.start()
        return False

    def close(self) -> None:
        """Let go of the form, which may be gone already."""
        self._later.stop()
        self._form = None

    def _fit(self) -> None:
        layout = self._form.layout()
        height = layout.totalHeightForWidth(self._form.width)
        if height < 0:  # nothing in it wraps
            height = layout.minimumSize().height()
        if self._form.minimumHeight != height:
            self._form.minimumHeight = height
        width = max(self._narrowest, layout.minimumSize().width())
        if self._form.minimumWidth != width:
            self._form.minimumWidth = width
