"""The section Review: the parameter node, and the nodes that its controls ask for."""

from __future__ import annotations

from typing import Any, ClassVar

import qt

from TTAUncertaintyLib.controls.review_controls import ReviewControls
from TTAUncertaintyLib.controls.review_view import ReviewView
from TTAUncertaintyLib.review import Review
from TTAUncertaintyLib.review.landmark_files import PairedLandmarks
from TTAUncertaintyLib.scene.landmarks import landmark_pairs
from TTAUncertaintyLib.scene.points_watch import PointsWatch
from TTAUncertaintyLib.scene.structures import Structures

from . import timers
from .keys import Keys
from .review_export import ReviewExport
from .review_widgets import ReviewWidgets
from .section import Section

#: In the settings of this machine: who reviewed last.
_REVIEWER = "TTAUncertainty/reviewer"

#: What is in sight on each tab.
_TABS = ("spots", "structures", "landmarks")


class ReviewSection(Section):
    """The `ReviewScreen` of the panel; which place is looked at is in the parameter node.

    Nothing is computed, and no point is put into the views, before the section is unfolded.
    """

    hints: ClassVar[dict[str, str]] = {
        "structures": "Choose one under Inputs.",
        "landmarks": "Choose two lists, and place points in both, in the same order.",
    }

    def __init__(self, ui: Any, host: Any) -> None:
        super().__init__(ui, host)
        self._shownWith: Any = None
        self._controls = ReviewControls(self, timers)
        self._points = PointsWatch(self._controls.changed)
        self._widgets = ReviewWidgets(ui, self._controls)
        self._export = ReviewExport(ui, host, self._controls)
        step = self._controls.step
        doing = {"Ctrl+Shift+N": lambda: step(1), "Ctrl+Shift+P": lambda: step(-1)}
        self._keys = Keys(ui.reviewSection, doing)
        ui.reviewSection.contentsCollapsed.connect(lambda _folded: self._controls.refresh())
        ui.reviewTabs.currentChanged.connect(lambda _tab: self._controls.refresh())
        self._controls.refresh()

    # what the host tells

    def enter(self) -> None:
        """Go on with the review of the result that is shown."""
        self._keys.enable(True)
        self._controls.refresh()

    def exit(self) -> None:
        """Another module is shown."""
        self._keys.enable(False)
        self._controls.hold()

    def cleanup(self) -> None:
        """Let go."""
        self._controls.hold()
        self._export.cancel()
        self._points.follow()
        self._keys.close()

    def onSceneClosed(self) -> None:
        """The result is gone."""
        self.onResultChanged(None)

    def onResultChanged(self, result: Any) -> None:
        """Open the review of another result."""
        self._points.follow()
        self._controls.on_result(None if self._host.parameters is None else result)
        self._export.refresh()

    def onParametersChanged(self) -> None:
        """Follow the map, the structures and the landmark lists that are chosen."""
        parameters, result = self._host.parameters, self._controls.result
        if parameters is None or result is None or self._host.result != result:
            return
        kind = next((kind for kind in result.maps if kind.value == parameters.mapKind), None)
        if kind is not None:
            self._controls.on_map(kind)
        if self._chosen() != self._shownWith:
            self._controls.changed()

    # what the controls ask

    @property
    def selected(self) -> int:
        """The hot spot that is looked at."""
        return -1 if self._host.parameters is None else int(self._host.parameters.hotSpot)

    @selected.setter
    def selected(self, number: int) -> None:
        if number >= 0 and self._ui.reviewSection.collapsed:
            self._ui.reviewSection.collapsed = False
        self._host.parameters.hotSpot = number

    def begin(self) -> Review:
        """Return what the last reviewer here set."""
        parameters = self._host.parameters
        return Review(
            str(qt.QSettings().value(_REVIEWER) or ""),
            parameters.toleranceMm if parameters.toleranceMm > 0 else None,
            parameters.hotSpotThresholdMm if parameters.hotSpotThresholdMm > 0 else None,
        )

    def in_sight(self) -> frozenset[str]:
        """Return what is on the open tab; places are in the views too."""
        if self._ui.reviewSection.collapsed or self._host.parameters is None:
            return frozenset()
        self._shownWith = self._chosen()
        return frozenset({"spots", _TABS[self._ui.reviewTabs.currentIndex]})

    def structures(self) -> Structures | None:
        """Return those of the chosen node, as it is now."""
        return self._host.structures.on(self._controls.result)

    def pairs(self) -> PairedLandmarks | None:
        """Return the pairs of the two lists that are chosen."""
        parameters = self._host.parameters
        lists = (parameters.landmarksFixed, parameters.landmarksMoving)
        self._points.follow(*lists)
        if None in lists:
            return None
        return PairedLandmarks(tuple(landmark_pairs(*lists)), "by order")

    def show(self, view: ReviewView) -> None:
        """Write into the widgets."""
        self._widgets.show(view)

    def decided(self, review: Review, before: Review) -> None:
        """Begin the next review with the same tolerance, and the same name."""
        self._host.decided(review)
        if review.tolerance_mm != before.tolerance_mm:
            self._host.parameters.toleranceMm = review.tolerance_mm or 0.0
        if review.reviewer != before.reviewer:
            qt.QSettings().setValue(_REVIEWER, review.reviewer)

    # how it is done

    def _chosen(self) -> tuple[Any, ...]:
        """What, if it changes, makes other numbers."""
        names = ("mapKind", "structures", "landmarksFixed", "landmarksMoving")
        return tuple(getattr(self._host.parameters, name) for name in names)
