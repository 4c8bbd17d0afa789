"""The tab Landmarks: pairs of points, how far apart they end, and what the map says there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.review import LandmarkFinding
from TTAUncertaintyLib.scene.review_desk import ReviewDesk

from . import look, words

_NAME, _BEFORE, _AFTER, _MAP = range(4)


class LandmarksTab(VTKObservationMixin):
    """Shows landmark pairs, and tells when one of them is placed or moved.

    Parameters
    ----------
    ui
        The form's widgets.
    onMoved
        Called after a point was added, removed, renamed or moved.
    onChosen
        Called with the pair whose row is chosen.
    """

    def __init__(
        self,
        ui: Any,
        onMoved: Callable[[], None],
        onChosen: Callable[[LandmarkFinding], None],
    ) -> None:
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._onMoved = onMoved
        self._onChosen = onChosen
        self._findings: Sequence[LandmarkFinding] = ()
        titles = [_("Landmark"), _("Before"), _("After"), _("Map")]
        look.columns(ui.landmarksTable, titles, stretched=_NAME)
        look.small_print(ui.landmarksLabel)
        ui.landmarksTable.itemSelectionChanged.connect(self._rowSelected)
        ui.landmarksTab.layout().addStretch(1)  # the tabs are as high as the highest

    def follow(self, desk: ReviewDesk, fixed: Any, moving: Any) -> None:
        """Measure two lists and show that; again whenever one of their points moves.

        Parameters
        ----------
        desk
            The review.
        fixed, moving
            vtkMRMLMarkupsFiducialNode, or None where none is chosen.
        """
        self._watch(fixed, moving)
        if fixed is None or moving is None:
            self._say(
                _("Choose two point lists: the same places on both images, in the same order.")
            )
            return
        try:
            findings = desk.landmarks(fixed, moving)
        except InputError as error:
            self._say(str(error))
            return
        if findings:
            self._show(findings, desk.kind.value, desk.kind.facts.title)
        else:
            self._say(_("Place points in both lists."))

    def _watch(self, *lists: Any) -> None:
        self.removeObservers()
        markups = slicer.vtkMRMLMarkupsNode
        for node in {node for node in lists if node is not None}:
            for event in (
                markups.PointModifiedEvent,
                markups.PointPositionDefinedEvent,
                markups.PointRemovedEvent,
            ):
                self.addObserver(node, event, self._moved)

    def _say(self, text: str) -> None:
        self._ui.landmarksLabel.text = text
        self._ui.landmarksTable.visible = False

    def _show(self, findings: Sequence[LandmarkFinding], map_key: str, map_title: str) -> None:
        ui = self._ui
        self._findings = findings
        rows = [
            (
                one.pair.name,
                words.number(one.before_mm),
                words.number(one.after_mm),
                words.number(one.at_fixed.get(map_key)),
            )
            for one in findings
        ]
        # in two lines: the names of landmarks are long
        for column, title in (
            (_BEFORE, _("Before")),
            (_AFTER, _("After")),
            (_MAP, _(map_title).replace(" ", "\n", 1)),
        ):
            unit = " mm" if "\n" in title else "\nmm"
            ui.landmarksTable.horizontalHeaderItem(column).setText(title + unit)
        look.fill(ui.landmarksTable, rows, left=(_NAME,))
        ui.landmarksTable.visible = bool(rows)
        after = float(np.mean([one.after_mm for one in findings]))
        before = float(np.mean([one.before_mm for one in findings]))
        text = _(
            "{n} pairs, on average {before:.2f} mm apart before the registration, {after:.2f} mm "
            "after it."
        )
        text = text.format(n=len(findings), before=before, after=after)
        if len(findings) == 1:
            text = _(
                "One pair: {before:.2f} mm apart before the registration, {after:.2f} mm after it."
            )
            text = text.format(before=before, after=after)
        ui.landmarksLabel.text = text

    def _rowSelected(self) -> None:
        rows = self._ui.landmarksTable.selectionModel().selectedRows()
        if rows and rows[0].row() < len(self._findings):
            self._onChosen(self._findings[rows[0].row()])

    def _moved(self, *_event: object) -> None:
        self._onMoved()
