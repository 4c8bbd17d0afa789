"""A table of the form, which shows a `TableView` of the controls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.table_view import Heading, TableView

from .look import VERDICT_COLORS, tint

#: Pixels of a row of one line, and of each further one.
_ROW_HEIGHT, _LINE_HEIGHT = 24, 16


class Table:
    """Shows rows, as high as they need to be, and tells which one a person chooses.

    Parameters
    ----------
    table
        QTableWidget.
    most_rows
        With more of them it scrolls.
    lines
        Of text in each.
    """

    def __init__(
        self,
        table: Any,
        chosen: Callable[[int], None] | None = None,
        most_rows: int = 8,
        lines: int = 1,
    ) -> None:
        self._table = table
        self._chosen = chosen
        self._most_rows = most_rows
        self._writing = False
        self._row_height = _ROW_HEIGHT + _LINE_HEIGHT * (lines - 1)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setMinimumSectionSize(_ROW_HEIGHT)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(self._row_height)
        table.itemSelectionChanged.connect(self._selected)

    def show(self, view: TableView, selected: int = -1) -> None:
        """Show a table, one of its rows chosen; -1 for none. Without rows, nothing is there."""
        table = self._table
        self._writing = True
        try:
            self._showHeadings(view)
            self._fill(view)
            if selected < 0:
                table.clearSelection()
            else:
                table.selectRow(selected)
        finally:
            self._writing = False
        table.visible = bool(view.rows)
        shown = min(max(len(view.rows), 1), self._most_rows)
        header = table.horizontalHeader().property("sizeHint").height()
        table.setFixedHeight(header + self._row_height * shown + 4)

    def _showHeadings(self, view: TableView) -> None:
        """Give the last column of words the room that is left; the one at the end is for short."""
        table = self._table
        titles = [_titled(heading) for heading in view.headings]
        if table.columnCount == len(titles) and titles == getattr(self, "_titles", None):
            return
        self._titles = titles
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        words = [n for n, heading in enumerate(view.headings[:-1]) if heading.words]
        for column in range(len(titles)):
            stretched = column in words[-1:]
            mode = qt.QHeaderView.Stretch if stretched else qt.QHeaderView.ResizeToContents
            table.horizontalHeader().setSectionResizeMode(column, mode)

    def _fill(self, view: TableView) -> None:
        table = self._table
        table.setRowCount(len(view.rows))
        for row, shown in enumerate(view.rows):
            for column, (text, heading) in enumerate(zip(shown.cells, view.headings, strict=True)):
                last = column == len(shown.cells) - 1
                said = _(text) if last and shown.verdict else text
                item = table.item(row, column)
                if item is None:
                    item = qt.QTableWidgetItem()
                    table.setItem(row, column, item)
                side = qt.Qt.AlignLeft if heading.words else qt.Qt.AlignRight
                item.setTextAlignment(side | qt.Qt.AlignVCenter)
                item.setText(said)
                more = shown.about and (last or not heading.words)  # a number's own is no tip
                item.setToolTip(shown.about if more else said)
                tint(table, item, VERDICT_COLORS.get(shown.verdict) if last else None)

    def _selected(self) -> None:
        rows = [] if self._writing else self._table.selectionModel().selectedRows()
        if rows and self._chosen is not None:
            self._chosen(rows[0].row())


def _titled(heading: Heading) -> str:
    """Return a heading with its unit, in two lines: names of maps are long."""
    title = _(heading.title)
    if not heading.unit:
        return title
    broken = title.replace(" ", "\n", 1)
    return f"{broken} {heading.unit}" if "\n" in broken else f"{title}\n{heading.unit}"
