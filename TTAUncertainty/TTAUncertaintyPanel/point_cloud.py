"""The spread at a point that the person places: cloud, ellipsoid, and the numbers in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.results.registrations import KeptRegistrations
from TTAUncertaintyLib.review import Contour
from TTAUncertaintyLib.scene.cloud import (
    PointSpread,
    hide_spread,
    look_closely,
    show_spread,
    spread_at,
)
from TTAUncertaintyLib.scene.slices import fit

from . import words
from .look import small_print

#: Role of the markups node with the point.
POINT = "teaching.point"

#: Which surface of the covariance is drawn.
CONTOUR = Contour.PERCENT_95


class PointCloud(VTKObservationMixin):
    """The button that places a point, and what the registrations say there.

    Parameters
    ----------
    ui, host
        See `widget`.
    kept
        Returns the registrations that were kept, or None.
    """

    def __init__(self, ui: Any, host: Any, kept: Callable[[], KeptRegistrations | None]) -> None:
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._host = host
        self._kept = kept
        self._result: Any = None
        self._spread: PointSpread | None = None
        ui.ellipsoidCheck.toolTip = _(
            "The 3x3 covariance of the positions as an ellipsoid that holds {words}."
        ).format(words=_(CONTOUR.words))
        small_print(ui.pointLabel)
        ui.placePointButton.toggled.connect(self._place)
        ui.closeUpButton.toggled.connect(self._closeUp)
        for check in (ui.cloudCheck, ui.ellipsoidCheck):
            check.toggled.connect(lambda _checked=False: self.refresh())

    def show(self) -> None:
        """Follow the point of the shown result."""
        self.hide()
        result = self._host.result
        self._result = result
        point = None if result is None else result.reference(POINT)
        if point is not None:
            self._watch(point)
        self.refresh()

    def hide(self) -> None:
        """Take cloud and ellipsoid out of the views, and stop following."""
        self._ui.placePointButton.checked = self._ui.closeUpButton.checked = False
        self.removeObservers()
        if self._result is not None and slicer.mrmlScene.IsNodePresent(self._result.node):
            hide_spread(self._result)
        self._result = None

    def refresh(self) -> None:
        """Show what the registrations say at the point."""
        self._spread = None
        self._ui.closeUpButton.enabled = False
        result, kept = self._host.result, self._kept()
        point = None if result is None else result.reference(POINT)
        placed = point is not None and point.GetNumberOfDefinedControlPoints() > 0
        if kept is None or not placed:
            self._ui.pointLabel.text = _(
                "Place a point: the cloud shows where each registration puts it."
            )
            if result is not None:
                hide_spread(result)
            return
        position = [0.0, 0.0, 0.0]
        point.GetNthControlPointPositionWorld(0, position)
        try:
            spread = spread_at(result, kept, tuple(position))
        except InputError as error:
            self._ui.pointLabel.text = str(error)
            hide_spread(result)
            return
        ui, self._spread = self._ui, spread
        ui.closeUpButton.enabled = True
        show_spread(
            self._host.stage,
            result,
            spread,
            CONTOUR,
            bool(ui.cloudCheck.checked),
            bool(ui.ellipsoidCheck.checked),
        )
        place = words.position(spread.ras)
        ui.pointLabel.text = _("{place}, {n} positions. {words}").format(
            place=place, n=len(spread.positions), words=spread.words
        )

    def _closeUp(self, wanted: bool) -> None:
        """Look at the cloud from nearby, or at everything again."""
        stage, result = self._host.stage, self._host.result
        if wanted and self._spread is not None:
            look_closely(stage, self._spread)
        elif not wanted and result is not None:
            fit(stage, result.warped)
            slicer.app.layoutManager().resetThreeDViews()

    def _place(self, wanted: bool) -> None:
        """Let the next click in a view set the point."""
        application = self._host.stage.application
        interaction, selection = application.GetInteractionNode(), application.GetSelectionNode()
        if interaction is None or selection is None or self._host.result is None:
            return
        if not wanted:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
            return
        point = self._point()
        point.RemoveAllControlPoints()
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(point.GetID())
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(interaction.Place)

    def _point(self) -> Any:
        """Return the node of the point, made at the first call."""
        result = self._host.result
        point = result.reference(POINT)
        if point is None:
            name = _("Point - {title}").format(title=result.title)
            point = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
            point.CreateDefaultDisplayNodes()
            point.GetDisplayNode().SetPointLabelsVisibility(False)
            point.GetDisplayNode().SetGlyphScale(2.0)
            point.SetMaximumNumberOfControlPoints(1)
            result.refer(POINT, point)
            self._watch(point)
        return point

    def _watch(self, point: Any) -> None:
        markups = slicer.vtkMRMLMarkupsNode
        for event in (
            markups.PointModifiedEvent,
            markups.PointRemovedEvent,
            markups.PointPositionDefinedEvent,
        ):
            self.addObserver(point, event, self._moved)

    def _moved(self, point: Any, *_event: object) -> None:
        if point.GetNumberOfDefinedControlPoints() > 0:
            self._ui.placePointButton.checked = False
        self.refresh()
