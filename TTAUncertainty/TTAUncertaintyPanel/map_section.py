"""The section Uncertainty map: from the study's choices to what the views show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.scene.colors import color_choices, color_node
from TTAUncertaintyLib.scene.layouts import SIDE_BY_SIDE, Layout, current_layout
from TTAUncertaintyLib.scene.looks import SHOWN_ATTRIBUTE, display_of, surfaces_differ
from TTAUncertaintyLib.scene.presentation import (
    Background,
    Presentation,
    present,
    present_in_new_views,
    show_turn,
    withdraw,
)
from TTAUncertaintyLib.scene.slices import fit

from .flicker import Flicker
from .map_view import FITTED_KEY, fields_of, kind_of, presentation_of
from .map_widgets import MapWidgets
from .result_chooser import ResultChooser
from .timers import after

#: Milliseconds that a slider rests before surfaces in 3D follow it: they take longer than colours.
_REST_MS = 250


class MapSection:
    """Shows a result's maps as the study's choices say.

    The choices are in the parameter node. What a map looks like is also in its display node: a
    map that is chosen again, or comes with a scene, goes on with the look that it had.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._entered = False
        self._result: Any = None
        self._kind: MapKind | None = None
        self._shown: Presentation | None = None
        self._widgets = MapWidgets(ui, self._choose)
        self._results = ResultChooser(ui, host)
        self._flicker = Flicker(self._showTurn)
        self._later = after(_REST_MS, self._presentAll)
        # new views have their size only after Qt has laid them out
        self._fitting = after(0, self._fit)
        self._showWhetherThereIsOne()

    def enter(self) -> None:
        """Go on with what the scene shows."""
        self._entered = True
        self._results.follow()
        self._showWhetherThereIsOne()
        self.onParametersChanged()

    def exit(self) -> None:
        """Another module is shown: the views hold still."""
        self._entered = False
        self._endFlicker()
        self._hold()

    def cleanup(self) -> None:
        """Let go."""
        self._hold()
        self._results.close()

    def onSceneClosed(self) -> None:
        """The result is gone, and one that is being opened is not wanted any more."""
        self._results.cancel()
        self.onResultChanged(None)

    def onResultChanged(self, result: Any) -> None:
        """Show another result, as it looked when it was shown last."""
        self._hold()
        self._leave()
        self._result, self._kind, self._shown = result, None, None
        self._results.refresh()
        self._showWhetherThereIsOne()
        if result is None or self._host.parameters is None:
            return
        self._widgets.fillMaps(list(result.maps))
        if not result.text(FITTED_KEY) and self._host.parameters.mapKind == MapKind.TOTAL.value:
            # a new result, and no other map was asked for: the one that says where to look
            self._choose(mapKind=MapKind.foremost(result.maps).value)
        self.onParametersChanged()
        if not result.text(FITTED_KEY):
            result.set_text(FITTED_KEY, "1")
            fit(self._host.stage, result.warped)

    def onParametersChanged(self) -> None:
        """Bring panel and views in line with the choices."""
        parameters = self._host.parameters
        if parameters is None or self._result is None or self._host.result != self._result:
            return
        kind = kind_of(parameters, self._result)
        if kind is None:
            self._ui.meaningLabel.text = _("The maps of this result are not in the scene any more.")
            return
        if kind is not self._kind:
            self._kind = kind
            names = color_choices(self._host.stage, kind)
            self._widgets.fillColors([(n, color_node(self._host.stage, n)) for n in names])
            self._choose(**fields_of(display_of(self._result, kind, parameters.opacity)))
        wanted = presentation_of(parameters, self._result, kind)
        self._apply(wanted)
        layout = current_layout(self._host.stage)
        self._widgets.show(self._result, wanted, self._compared(), layout)

    def _choose(self, **fields: Any) -> None:
        """Change choices all at once; the host then tells every section."""
        parameters = self._host.parameters
        if parameters is None:
            return
        before = parameters.StartModify()
        try:
            for name, value in fields.items():
                if getattr(parameters, name) != value:
                    setattr(parameters, name, value)
        finally:
            parameters.EndModify(before)

    def _showWhetherThereIsOne(self) -> None:
        self._ui.noMapLabel.visible = self._result is None
        self._ui.mapContents.visible = self._result is not None

    def _leave(self) -> None:
        """Another result is shown: nothing of this one stays in the views."""
        scene = self._host.stage.scene
        if self._result is None or scene.IsClosing():
            return
        if scene.IsNodePresent(self._result.node):
            withdraw(self._host.stage, self._result)

    def _hold(self) -> None:
        self._flicker.run(False)
        self._later.stop()
        self._fitting.stop()

    def _apply(self, wanted: Presentation) -> None:
        """Put onto the screen what is not there yet."""
        if wanted != self._shown:
            if surfaces_differ(self._shown, wanted):
                # colours at once, surfaces when the slider rests
                self._present(
                    replace(wanted, in_3d=self._shown.in_3d, level_3d=self._shown.level_3d)
                )
                self._later.start()
            else:
                self._present(wanted)
        if self._compared() == "flicker" and self._entered:
            self._flicker.run(True)
        else:
            self._endFlicker()

    def _endFlicker(self) -> None:
        """Show again the image that was chosen, and not the one that happened to be on."""
        if self._flicker.active and self._shown is not None and self._result is not None:
            self._flicker.run(False)
            self._present(self._shown)

    def _compared(self) -> str:
        """How two images are compared; "none" where there is only one."""
        return str(self._host.parameters.compare) if self._result.fixed else "none"

    def _presentAll(self) -> None:
        parameters = self._host.parameters
        if parameters is not None and self._result is not None and self._kind is not None:
            self._present(presentation_of(parameters, self._result, self._kind))

    def _present(self, wanted: Presentation) -> None:
        stage, result, before = self._host.stage, self._result, self._shown
        if before is None or before.layout is not wanted.layout:
            present_in_new_views(stage, result, wanted)
            if before is not None and wanted.layout is Layout.SIDE_BY_SIDE:
                self._fitting.start()
        else:
            present(stage, result, wanted)
        result.maps[wanted.display.kind].SetAttribute(SHOWN_ATTRIBUTE, "1")
        self._shown = wanted
        if wanted.in_3d and not (before is not None and before.in_3d):
            slicer.app.layoutManager().resetThreeDViews()

    def _fit(self) -> None:
        """Let views that have just appeared show everything."""
        if self._result is not None and self._result.warped is not None:
            fit(self._host.stage, self._result.warped, tuple(SIDE_BY_SIDE.values()))

    def _showTurn(self, warped: bool) -> None:
        """Show one of the two images that take turns, and say which."""
        wanted, result = self._shown, self._result
        if wanted is None or result is None or result.fixed is None:
            return
        background = Background.WARPED if warped else Background.FIXED
        show_turn(self._host.stage, result, wanted, background)
        self._widgets.showTurn(background.value)
