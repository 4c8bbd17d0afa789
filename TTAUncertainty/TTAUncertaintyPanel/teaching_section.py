"""The section Teaching: the registrations of a result that kept them, and the spread at a point."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.spread_controls import CONTOUR, SpreadControls, SpreadView
from TTAUncertaintyLib.controls.teaching_controls import BUILD_UP, TeachingControls, TeachingView
from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.scene.slices import layers_now, show_layers_again
from TTAUncertaintyLib.scene.teaching import PLAYED

from . import timers
from .look import media_icon, small_print
from .section import Section


class TeachingSection(Section):
    """The `TeachingScreen` and the `SpreadScreen` of the panel; works when it is unfolded."""

    hint = "Ask for that under Advanced before the next run."
    free = True

    def __init__(self, ui: Any, host: Any) -> None:
        super().__init__(ui, host)
        self._before: list[Any] = []
        self._showing = False
        self._controls = TeachingControls(self, timers)
        self._spread = SpreadControls(self)
        for label in (ui.passLabel, ui.pointLabel):
            small_print(label)
        ui.mapSoFarCheck.toolTip = _(BUILD_UP)
        ui.ellipsoidCheck.toolTip = _(
            "The 3x3 covariance of the positions as an ellipsoid that holds {words}."
        ).format(words=_(CONTOUR.words))
        media_icon(ui.firstPassButton, "first")
        ui.playButton.clicked.connect(lambda _checked=False: self._controls.toggle())
        ui.firstPassButton.clicked.connect(lambda _checked=False: self._controls.go(0))
        ui.passSlider.valueChanged.connect(self._slid)
        ui.mapSoFarCheck.toggled.connect(self._controls.let_build_up)
        ui.placePointButton.clicked.connect(self._spread.place)
        ui.closeUpButton.clicked.connect(self._spread.close_up)
        ui.cloudCheck.toggled.connect(lambda drawn: self._spread.draw(cloud=drawn))
        ui.ellipsoidCheck.toggled.connect(lambda drawn: self._spread.draw(ellipsoid=drawn))
        ui.teachingSection.contentsCollapsed.connect(lambda _folded: self._fold())
        self.show(TeachingView())
        self.show_spread(SpreadView())

    # what the host tells

    def enter(self) -> None:
        """Go on."""
        self._fold()

    def exit(self) -> None:
        """Another module is shown: the views go back to the map."""
        self._controls.end()

    def cleanup(self) -> None:
        """Let go."""
        self._controls.forget()
        self._spread.on_kept(None, None)

    def onSceneClosed(self) -> None:
        """The result, and the nodes of the views, are gone."""
        self._controls.forget()
        self.onResultChanged(None)

    def onResultChanged(self, result: Any) -> None:
        """Take the registrations of another result."""
        self._controls.on_result(result)
        self._fold()

    # what the controls ask

    @property
    def opacity(self) -> float:
        """Of a map over the image."""
        return float(self._host.parameters.opacity)

    def take_views(self) -> None:
        """Remember what they show."""
        self._before = layers_now(self.stage)

    def give_views_back(self) -> None:
        """Show what was there before, where the person has chosen nothing else meanwhile."""
        result = self._controls.result
        show_layers_again(self._before, None if result is None else result.reference(PLAYED))

    def trouble(self, error: TTAUncertaintyError) -> None:
        """Say what went wrong."""
        self._host.showProblem(error.problem, error.remedy)

    def look_around(self) -> None:
        """Let the 3D view show all that is in it."""
        slicer.app.layoutManager().resetThreeDViews()

    def show(self, view: TeachingView) -> None:
        """Write into the widgets of the player."""
        ui = self._ui
        for widget in (ui.firstPassButton, ui.playButton, ui.passSlider, ui.mapSoFarCheck):
            widget.enabled = view.count > 0
        ui.teachingLabel.text = view.words.said(_)
        self._showing = True
        ui.passSlider.maximum = max(0, view.count - 1)
        ui.passSlider.value = view.number
        self._showing = False
        said = _("{n} of {count}").format(n=view.number + 1, count=view.count)
        ui.passCountLabel.text = said if view.count else ""
        ui.passLabel.text = view.label.said(_)
        ui.playButton.checked = view.playing
        media_icon(ui.playButton, "pause" if view.playing else "play")

    def show_spread(self, view: SpreadView) -> None:
        """Write into the widgets of the point."""
        ui = self._ui
        for widget in (ui.placePointButton, ui.cloudCheck, ui.ellipsoidCheck):
            widget.enabled = view.possible
        ui.pointLabel.text = view.words.said(_)
        ui.placePointButton.checked = view.placing
        ui.closeUpButton.checked = view.near
        ui.closeUpButton.enabled = view.near_possible

    # how it is done

    def _slid(self, number: int) -> None:
        if not self._showing:
            self._host.clearMessage()
            self._controls.go(number)

    def _fold(self) -> None:
        """Follow whether the section is unfolded: the registrations end, the cloud is shown."""
        self._controls.end()
        folded = self._ui.teachingSection.collapsed
        self._spread.on_kept(self._controls.result, None if folded else self._controls.kept)
