"""The spread at a point that a person places: cloud, ellipsoid, and the numbers in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import InputError
from ..results import KeptRegistrations
from ..results.report.words import place
from ..review import Contour
from ..scene.cloud import PointSpread, hide_spread, look_closely, show_spread, spread_at
from ..scene.points_watch import PointsWatch
from ..scene.result import ResultNodes
from ..scene.slices import fit
from ..scene.stage import Stage
from .option import Phrase

#: Role of the markups node with the point.
POINT = "teaching.point"

_PLACE = Phrase("Place a point: the cloud shows where each registration puts it.")

#: Which surface of the covariance is drawn.
CONTOUR = Contour.PERCENT_95


@dataclass(frozen=True)
class SpreadView:
    """What is to be seen of the spread at a point."""

    #: The numbers, or what to do.
    words: Phrase = _PLACE
    #: Whether there are registrations that a point could be asked of.
    possible: bool = False
    #: Whether the next click in a view sets the point.
    placing: bool = False
    #: Whether the views are close to the cloud, and whether they can be.
    near: bool = False
    near_possible: bool = False


class SpreadScreen(Protocol):
    """Where the spread is shown."""

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""

    def show_spread(self, view: SpreadView) -> None:
        """Show the controls; that is not the person's doing."""

    def look_around(self) -> None:
        """Let the 3D view show all that is in it."""


class SpreadControls:
    """Places a point, and shows what the registrations say there."""

    def __init__(self, screen: SpreadScreen) -> None:
        self._screen = screen
        self._result: ResultNodes | None = None
        self._kept: KeptRegistrations | None = None
        self._spread: PointSpread | None = None
        self._drawn = {"cloud": True, "ellipsoid": True}
        self._placing = self._near = False
        self._points = PointsWatch(self._moved)

    def on_kept(self, result: ResultNodes | None, kept: KeptRegistrations | None) -> None:
        """Follow the point of a result that kept its registrations; None for none."""
        before, scene = self._result, self._screen.stage.scene
        self.place(False)
        if before is not None and scene.IsNodePresent(before.node) and not scene.IsClosing():
            self.close_up(False)
            hide_spread(before)
        self._near = False
        self._result, self._kept = (None, None) if kept is None else (result, kept)
        self._points.follow(self._point())
        self.refresh()

    # what a person does

    def place(self, wanted: bool) -> None:
        """Let the next click in a view set the point, or not any more."""
        application = self._screen.stage.application
        interaction, selection = application.GetInteractionNode(), application.GetSelectionNode()
        if wanted is self._placing or interaction is None or selection is None:
            return
        self._placing = wanted and self._result is not None
        if self._placing:
            point = self._point() or self._new_point()
            point.RemoveAllControlPoints()
            selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
            selection.SetActivePlaceNodeID(point.GetID())
            interaction.SetPlaceModePersistence(0)
            interaction.SetCurrentInteractionMode(interaction.Place)
        else:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self.refresh()

    def draw(self, **drawn: bool) -> None:
        """Draw "cloud" and "ellipsoid", or not."""
        self._drawn |= drawn
        self.refresh()

    def close_up(self, wanted: bool) -> None:
        """Look at the cloud from nearby, or at everything again."""
        if wanted is self._near or self._result is None:
            return
        if wanted and self._spread is not None:
            look_closely(self._screen.stage, self._spread)
        elif not wanted:
            fit(self._screen.stage, self._result.warped)
            self._screen.look_around()
        self._near = wanted
        self.refresh()

    # what is to be seen

    def refresh(self) -> None:
        """Show what the registrations say at the point."""
        result, kept, point = self._result, self._kept, self._point()
        self._spread, words = None, _PLACE
        placed = point is not None and point.GetNumberOfDefinedControlPoints() > 0
        if result is not None and kept is not None and placed:
            words = self._measured(result, kept, point)
        if result is not None and self._spread is None:
            hide_spread(result)
        found = self._spread is not None
        self._screen.show_spread(
            SpreadView(words, kept is not None, self._placing, self._near, found)
        )

    def _measured(self, result: ResultNodes, kept: KeptRegistrations, point: Any) -> Phrase:
        ras = [0.0, 0.0, 0.0]
        point.GetNthControlPointPositionWorld(0, ras)
        try:
            spread = self._spread = spread_at(result, kept, (ras[0], ras[1], ras[2]))
        except InputError as error:
            return Phrase("{error}", {"error": error})
        show_spread(self._screen.stage, result, spread, CONTOUR, **self._drawn)
        said = {"place": place(ras), "n": len(spread.positions), "words": spread.words}
        return Phrase("{place}, {n} positions. {words}", said)

    def _point(self) -> Any:
        return None if self._result is None else self._result.reference(POINT)

    def _new_point(self) -> Any:
        result = self._result
        assert result is not None
        scene, name = self._screen.stage.scene, f"Point - {result.title}"
        point = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        point.CreateDefaultDisplayNodes()
        point.GetDisplayNode().SetPointLabelsVisibility(False)
        point.GetDisplayNode().SetGlyphScale(2.0)
        point.SetMaximumNumberOfControlPoints(1)
        result.refer(POINT, point)
        self._points.follow(point)
        return point

    def _moved(self) -> None:
        point = self._point()
        if self._placing and point.GetNumberOfDefinedControlPoints() > 0:
            self.place(False)
        else:
            self.refresh()
