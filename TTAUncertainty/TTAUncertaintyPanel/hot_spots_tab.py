"""The tab Hot spots: the places where a map is highest, gone through one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.results.report.scales import tidy_above
from TTAUncertaintyLib.review import MatchedReview, ReviewedSpot, Verdict
from TTAUncertaintyLib.review.tables import verdict_counts

from . import look, words
from .bindings import ButtonsBinding, NumberBinding, TextBinding

#: Colours of the verdicts, as of the points in the views.
VERDICT_COLORS = {
    Verdict.ACCEPT.value: look.GOOD,
    Verdict.CHECK.value: look.CARE,
    Verdict.REJECT.value: look.BAD,
}

#: The verdicts, as short as the table has room for.
_SHORT = {
    Verdict.ACCEPT: _("accept"),
    Verdict.CHECK: _("check"),
    Verdict.REJECT: _("reject"),
}

_RANK, _PEAK, _MEAN, _VOLUME, _PLACE, _STRUCTURE, _VERDICT = range(7)


class HotSpotsTab:
    """Shows the hot spots and tells what the person does with them.

    Parameters
    ----------
    ui
        The form's widgets.
    onSelected
        Called with the number of a spot, from 0 on, that the person wants to see.
    onDecided
        Called with a verdict or None, and a comment or None, for the selected spot.
    onThreshold
        Called with the value above which places are to be listed.
    """

    def __init__(
        self,
        ui: Any,
        onSelected: Callable[[int], None],
        onDecided: Callable[[Verdict | None, str | None], None],
        onThreshold: Callable[[float], None],
    ) -> None:
        self._ui = ui
        self._onSelected = onSelected
        self._matched = MatchedReview(())
        self._selected = -1
        self._filling = False
        titles = ["#", _("Peak"), _("Mean"), "cm³", _("Place\nmm"), _("Structure"), _("Verdict")]
        look.columns(ui.hotSpotsTable, titles, stretched=_STRUCTURE)
        look.small_print(ui.hotSpotsLabel)
        self._threshold = NumberBinding(
            ui.hotSpotSlider, "threshold", lambda _name, value: onThreshold(value)
        )
        self._verdict = ButtonsBinding(
            {
                "accept": ui.spotAcceptButton,
                "check": ui.spotCheckButton,
                "reject": ui.spotRejectButton,
            },
            "verdict",
            lambda _name, value: onDecided(self._pressed(Verdict(value)), None),
            VERDICT_COLORS,
        )
        self._comment = TextBinding(
            ui.spotCommentEdit, "comment", lambda _name, text: onDecided(None, text)
        )
        ui.hotSpotsTable.itemSelectionChanged.connect(self._rowSelected)
        ui.previousButton.clicked.connect(lambda _checked=False: self.step(-1))
        ui.nextButton.clicked.connect(lambda _checked=False: self.step(1))

    @property
    def selected(self) -> ReviewedSpot | None:
        """The spot that is looked at."""
        spots = self._matched.spots
        return spots[self._selected] if 0 <= self._selected < len(spots) else None

    def step(self, by: int) -> None:
        """Ask for the next spot, or the one before; the list is a ring."""
        count = len(self._matched.spots)
        if count:
            first = 0 if by > 0 else count - 1
            self._onSelected((self._selected + by) % count if self.selected else first)

    def showThreshold(self, value: float, highest: float, unit: str) -> None:
        """Show above which value places are listed; `highest` is the map's maximum."""
        top = tidy_above(max(highest, value))
        self._threshold.set_range(0.0, top, 0.05, 2, f" {unit}" if unit else "")
        self._threshold.show(value)

    def showSearching(self) -> None:
        """Say that places are being looked for; those found before stay until then."""
        self._ui.hotSpotsLabel.text = _("Looking for places…")

    def show(self, matched: MatchedReview, selected: int, map_title: str, unit: str) -> None:
        """Show the spots, the one with number `selected` chosen; -1 for none."""
        self._matched, self._selected = matched, selected
        self._filling = True
        try:
            self._fill(unit)
        finally:
            self._filling = False
        self._ui.hotSpotsLabel.text = self._summary(map_title)
        self._showSelected()

    def _fill(self, unit: str) -> None:
        table, spots = self._ui.hotSpotsTable, self._matched.spots
        rows = [
            (
                str(reviewed.rank),
                words.number(reviewed.spot.peak),
                words.number(reviewed.spot.mean),
                words.number(reviewed.spot.volume_cm3, 1),
                words.position(reviewed.spot.position_ras_mm),
                reviewed.spot.structure or "–",
                _SHORT.get(reviewed.verdict, ""),
            )
            for reviewed in spots
        ]
        look.fill(table, rows, left=(_PLACE, _STRUCTURE, _VERDICT), most_rows=10)
        suffix = f"\n{unit}" if unit else ""
        for column, title in ((_PEAK, _("Peak")), (_MEAN, _("Mean"))):
            table.horizontalHeaderItem(column).setText(title + suffix)
        named = any(reviewed.spot.structure for reviewed in spots)
        table.setColumnHidden(_STRUCTURE, not named)
        look.stretch(table, _STRUCTURE if named else _PLACE)
        for row, reviewed in enumerate(spots):
            look.tint(table, row, _VERDICT, VERDICT_COLORS.get(reviewed.verdict.value))
            if reviewed.comment:
                table.item(row, _VERDICT).setToolTip(reviewed.comment)
        table.visible = bool(spots)
        if self.selected is None:
            table.clearSelection()
        else:
            table.selectRow(self._selected)

    def _summary(self, map_title: str) -> str:
        count = len(self._matched.spots)
        if not count:
            said = _("{map}: nothing above this value is larger than 0.1 cm³.")
            text = said.format(map=_(map_title))
        else:
            said = _("{map}: {counts}.")
            text = said.format(map=_(map_title), counts=verdict_counts(self._matched))
        others = len(self._matched.elsewhere)
        if others == 1:
            text += " " + _("One verdict on another place or map is kept.")
        elif others:
            text += " " + _("{n} verdicts on other places or maps are kept.").format(n=others)
        return text

    def _showSelected(self) -> None:
        ui, spot = self._ui, self.selected
        count = len(self._matched.spots)
        ui.previousButton.enabled = ui.nextButton.enabled = count > 0
        for widget in (ui.spotVerdictButtons, ui.spotCommentEdit):
            widget.enabled = spot is not None
        self._verdict.show("" if spot is None else spot.verdict.value)
        self._comment.show("" if spot is None else spot.comment)
        if spot is None:
            ui.hotSpotPlaceLabel.text = _("{n} places").format(n=count) if count else ""
        else:
            ui.hotSpotPlaceLabel.text = _("{rank} of {n}").format(rank=spot.rank, n=count)

    def _pressed(self, verdict: Verdict) -> Verdict:
        """A second press on a verdict takes it back."""
        spot = self.selected
        taken = spot is not None and spot.verdict is verdict
        return Verdict.OPEN if taken else verdict

    def _rowSelected(self) -> None:
        if not self._filling:
            rows = self._ui.hotSpotsTable.selectionModel().selectedRows()
            if rows:
                self._onSelected(rows[0].row())


def shortcuts(parent: Any, tab: HotSpotsTab) -> list[Any]:
    """Return the keys for the next and the previous spot, wherever in the window one works."""
    made = []
    for keys, by in (("Ctrl+Shift+N", 1), ("Ctrl+Shift+P", -1)):
        shortcut = qt.QShortcut(qt.QKeySequence(keys), parent)
        shortcut.connect("activated()", lambda by=by: tab.step(by))
        made.append(shortcut)
    return made
