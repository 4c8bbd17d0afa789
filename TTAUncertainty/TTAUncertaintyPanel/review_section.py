"""The section Review: hot spots, structures, landmarks, the decision, and the export."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.review import LandmarkFinding, MatchedReview, Verdict
from TTAUncertaintyLib.scene.hot_spots import go_to_spot
from TTAUncertaintyLib.scene.landmarks import go_to_landmark
from TTAUncertaintyLib.scene.review_desk import ReviewDesk
from TTAUncertaintyLib.scene.structures import Structures

from .hot_spots_tab import HotSpotsTab, shortcuts
from .landmarks_tab import LandmarksTab
from .overall_decision import OverallDecision, last_reviewer
from .review_export import ReviewExport
from .structures_tab import StructuresTab
from .timers import after

#: Milliseconds that a slider or a point rests before places are found and distances measured.
_REST_MS = 250

#: Seconds that a search for places may hold the panel; one that takes longer is looked at again
#: after so many milliseconds.
_SHORT_S, _LOOK_MS = 0.05, 50


class ReviewSection:
    """Brings together the review of the shown result and the widgets for it.

    Nothing is computed, and no point is put into the views, before the section is unfolded.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._desk: ReviewDesk | None = None
        self._trouble = ""
        self._shownWith: Any = None
        self._spots = HotSpotsTab(ui, self._select, self._decide, self._setThreshold)
        self._structures = StructuresTab(ui, self._setTolerance)
        self._landmarks = LandmarksTab(ui, self._later, self._lookAt)
        self._export = ReviewExport(ui, host)
        self._overall = OverallDecision(ui, self._decideOverall, self._setReviewer)
        self._timer = after(_REST_MS, self.refresh)
        self._looking = after(_LOOK_MS, self.refresh)
        self._keys = shortcuts(slicer.util.mainWindow() or ui.reviewSection, self._spots)
        self._enableKeys(False)
        ui.reviewSection.contentsCollapsed.connect(lambda _folded: self.refresh())
        ui.reviewTabs.currentChanged.connect(lambda _tab: self.refresh())
        ui.exportButton.clicked.connect(lambda _checked=False: self._exportReview())
        self.refresh()

    # what the host tells

    def enter(self) -> None:
        """Go on with the review of the result that is shown."""
        self._enableKeys(True)
        self.refresh()

    def exit(self) -> None:
        """Another module is shown."""
        self._enableKeys(False)
        self._hold()

    def cleanup(self) -> None:
        """Let go."""
        self._hold()
        self._export.cancel()
        self._landmarks.removeObservers()
        for key in self._keys:
            key.setParent(None)
            key.deleteLater()
        self._keys = []

    def onSceneClosed(self) -> None:
        """The result is gone."""
        self.onResultChanged(None)

    def onParametersChanged(self) -> None:
        """Follow the map, the structures and the landmark lists that are chosen."""
        parameters = self._host.parameters
        if self._desk is None or parameters is None or self._host.result != self._desk.result:
            return
        kind = next((k for k in self._desk.result.maps if k.value == parameters.mapKind), None)
        if kind is not None and kind.facts.unit == "mm" and kind is not self._desk.kind:
            self._desk.choose_map(kind)
            parameters.hotSpot = -1
        wanted = self._wanted()
        if wanted != self._shownWith:
            self._later()

    def onResultChanged(self, result: Any) -> None:
        """Open the review of another result."""
        self._hold()
        self._landmarks.removeObservers()
        before = self._desk
        self._desk, self._trouble, self._shownWith = None, "", None
        if before is not None:
            before.leave()
        if result is not None and self._host.parameters is not None:
            if before is not None:
                self._host.parameters.hotSpot = -1
            self._open(result)
        self._export.refresh()
        self.refresh()

    def _open(self, result: Any) -> None:
        try:
            self._desk = ReviewDesk(self._host.stage, result)
        except InputError as error:
            self._trouble = str(error)
            return
        parameters = self._host.parameters
        review = self._desk.review
        if review.tolerance_mm is None and parameters.toleranceMm > 0:
            self._desk.set_tolerance(parameters.toleranceMm)
        if review.threshold_mm is None and parameters.hotSpotThresholdMm > 0:
            self._desk.set_threshold(parameters.hotSpotThresholdMm)
        if not review.reviewer:
            self._desk.set_reviewer(last_reviewer())

    # what is on the screen

    def refresh(self) -> None:
        """Compute what is in sight and show it."""
        ui, desk = self._ui, self._desk
        ui.noReviewLabel.visible = desk is None
        ui.reviewContents.visible = desk is not None
        if self._trouble:
            ui.noReviewLabel.text = self._trouble
        else:
            ui.noReviewLabel.text = _("There is nothing to review before there is a result.")
        if desk is None or self._host.parameters is None:
            return
        if ui.reviewSection.collapsed:
            desk.hide_spots()
            return
        if desk.kind not in desk.result.maps:
            ui.noReviewLabel.text = _("The map under review is not in the scene any more.")
            ui.noReviewLabel.visible, ui.reviewContents.visible = True, False
            return
        self._shownWith = self._wanted()
        self._overall.show(desk.review)
        structures, trouble = self._structuresOfChoice()
        tab = ui.reviewTabs.currentIndex
        if tab == 1:
            if not self._structures.follow(desk, structures, trouble):
                self._looking.start()
        elif tab == 2:
            lists = self._host.parameters.landmarksFixed, self._host.parameters.landmarksMoving
            self._landmarks.follow(desk, *lists)
        if desk.search(structures).wait(_SHORT_S):
            self._showSpots(desk.spots(structures))
        else:
            self._spots.showSearching()
            self._looking.start()

    def _wanted(self) -> tuple[Any, ...]:
        """What, if it changes, makes other numbers."""
        parameters = self._host.parameters
        return (
            parameters.mapKind,
            parameters.structures,
            parameters.landmarksFixed,
            parameters.landmarksMoving,
        )

    def _structuresOfChoice(self) -> tuple[Structures | None, str]:
        try:
            assert self._desk is not None
            return self._desk.structures(self._host.parameters.structures), ""
        except InputError as error:
            return None, str(error)

    def _showSpots(self, matched: MatchedReview) -> None:
        desk = self._desk
        assert desk is not None
        facts = desk.kind.facts
        self._spots.showThreshold(desk.threshold, desk.highest, facts.unit)
        self._spots.show(matched, int(self._host.parameters.hotSpot), facts.title, facts.unit)
        desk.show_spots(matched)

    def _later(self) -> None:
        self._timer.start()

    def _hold(self) -> None:
        self._timer.stop()
        self._looking.stop()

    def _enableKeys(self, enabled: bool) -> None:
        for key in self._keys:
            key.setEnabled(enabled)

    # what the person does

    def _select(self, number: int) -> None:
        """Look at a hot spot."""
        if self._desk is None:
            return
        if self._ui.reviewSection.collapsed:
            self._ui.reviewSection.collapsed = False
        matched = self._desk.spots(self._structuresOfChoice()[0])
        if 0 <= number < len(matched.spots):
            self._host.parameters.hotSpot = number
            facts = self._desk.kind.facts
            self._spots.show(matched, number, facts.title, facts.unit)
            go_to_spot(self._host.stage, matched, number + 1)

    def _lookAt(self, landmark: LandmarkFinding) -> None:
        go_to_landmark(self._host.stage, landmark)

    def _decide(self, verdict: Verdict | None, comment: str | None) -> None:
        spot = self._spots.selected
        if self._desk is not None and spot is not None:
            self._showSpots(self._desk.decide_spot(spot, verdict, comment))

    def _decideOverall(self, verdict: Verdict | None, comment: str | None) -> None:
        if self._desk is not None:
            self._desk.decide_overall(verdict, comment)
            self._overall.show(self._desk.review)

    def _setReviewer(self, name: str) -> None:
        if self._desk is not None:
            self._desk.set_reviewer(name)

    def _setThreshold(self, value: float) -> None:
        if self._desk is not None:
            self._desk.set_threshold(value)
            self._host.parameters.hotSpot = -1
            self._later()

    def _setTolerance(self, value: float | None) -> None:
        if self._desk is not None:
            self._desk.set_tolerance(value)
            self._host.parameters.toleranceMm = value or 0.0
            self._later()

    def _exportReview(self) -> None:
        if self._desk is not None:
            matched = self._desk.spots(self._structuresOfChoice()[0])
            self._export.export(matched, self._desk.kind.facts.title)
