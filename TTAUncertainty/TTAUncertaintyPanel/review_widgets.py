"""The widgets of the section Review: they show its controls, and tell what the person does."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.review_controls import ReviewControls
from TTAUncertaintyLib.controls.review_view import ReviewView, TablesView
from TTAUncertaintyLib.controls.table_view import TableView

from .bindings import Binding, NumberBinding, Segments, TextBinding
from .look import VERDICT_COLORS, small_print
from .tables import Table


class ReviewWidgets:
    """What a person sees and does of a review.

    Parameters
    ----------
    ui
        The form's widgets.
    """

    def __init__(self, ui: Any, controls: ReviewControls) -> None:
        self._ui = ui
        for label in (ui.hotSpotsLabel, ui.carriedLabel, ui.structuresLabel, ui.landmarksLabel):
            small_print(label)
        for tab in (ui.structuresTab, ui.landmarksTab):
            tab.layout().addStretch(1)  # the tabs are as high as the highest
        ui.toleranceSpin.specialValueText = _("none")
        does = {
            "verdict": controls.decide,
            "comment": controls.comment_on_spot,
            "threshold": controls.set_threshold,
            "tolerance": lambda value: controls.set_tolerance(value or None),
            "overall": controls.decide_overall,
            "whole": controls.comment_on_all,
            "reviewer": controls.set_reviewer,
        }

        def bound(kind: type[Binding], widget: Any, name: str, *more: Any) -> Any:
            return kind(widget, name, lambda _name, value: does[name](value), *more)

        self._verdict = bound(Segments, ui.spotVerdictButtons, "verdict", VERDICT_COLORS)
        self._overall = bound(Segments, ui.overallVerdictButtons, "overall", VERDICT_COLORS)
        self._comment = bound(TextBinding, ui.spotCommentEdit, "comment")
        self._whole = bound(TextBinding, ui.overallCommentEdit, "whole")
        self._reviewer = bound(TextBinding, ui.reviewerEdit, "reviewer")
        self._threshold = bound(NumberBinding, ui.hotSpotSlider, "threshold")
        self._tolerance = bound(NumberBinding, ui.toleranceSpin, "tolerance")
        self._spots = Table(ui.hotSpotsTable, controls.select, most_rows=10)
        self._carried = Table(ui.carriedTable, controls.select_structure, most_rows=12)
        self._structures = Table(ui.structuresTable, most_rows=12)
        self._landmarks = Table(ui.landmarksTable, controls.select_landmark)
        for button, by in ((ui.previousButton, -1), (ui.nextButton, 1)):
            button.clicked.connect(lambda _checked=False, by=by: controls.step(by))

    def show(self, view: ReviewView) -> None:
        """Show the controls, without taking that for the person's doing."""
        ui = self._ui
        ui.noReviewLabel.text = view.nothing.said(_)
        ui.noReviewLabel.visible = bool(view.nothing.words)
        ui.reviewContents.visible = not view.nothing.words
        self._showSpots(view)
        self._tolerance.show(view.said.tolerance_mm or 0.0)
        ui.carriedLabel.visible = bool(view.carried.words)
        _showTables(ui.carriedLabel, self._carried, view.carried, view.structure)
        _showTables(ui.structuresLabel, self._structures, view.structures)
        _showTables(ui.landmarksLabel, self._landmarks, view.landmarks, view.landmark)
        self._overall.offer(view.overalls, view.said.verdict.value)
        self._whole.show(view.said.comment)
        self._reviewer.show(view.said.reviewer)

    def _showSpots(self, view: ReviewView) -> None:
        ui, spots = self._ui, view.spots
        self._threshold.set_range(0.0, spots.highest, 0.05, 2, f" {spots.unit}".rstrip())
        self._threshold.show(spots.threshold)
        ui.hotSpotsLabel.text = spots.words.said(_)
        self._spots.show(spots.table, spots.selected)
        ui.hotSpotPlaceLabel.text = spots.place.said(_)
        ui.previousButton.enabled = ui.nextButton.enabled = bool(spots.table.rows)
        self._verdict.offer(spots.verdicts, spots.verdict)
        ui.spotVerdictButtons.enabled = ui.spotCommentEdit.enabled = spots.selected >= 0
        self._comment.show(spots.comment)


def _showTables(label: Any, table: Table, view: TablesView, selected: int = -1) -> None:
    """Show words and the first of the tables; the scene's own tables have the others."""
    label.text = view.words.said(_)
    table.show(view.tables[0] if view.tables else TableView(), selected)
