"""The section Uncertainty map: the parameter node, the widgets and the views of its controls."""

from __future__ import annotations

from typing import Any

import slicer

from TTAUncertaintyLib.controls.map_choices import MapChoices
from TTAUncertaintyLib.controls.map_controls import MapControls
from TTAUncertaintyLib.controls.map_view import MapView
from TTAUncertaintyLib.scene.layouts import SIDE_BY_SIDE, Layout
from TTAUncertaintyLib.scene.slices import fit
from TTAUncertaintyLib.scene.structures import Structures

from . import timers
from .map_widgets import MapWidgets
from .result_chooser import ResultChooser
from .section import Section

#: What the choices are called in the parameter node.
_FIELDS = {
    "kind": "mapKind",
    "color": "mapColor",
    "threshold": "thresholdMm",
    "transform": "gridVisible",
    "in_3d": "map3d",
}


class MapSection(Section):
    """The `MapScreen` of the panel. The choices are in the parameter node."""

    def __init__(self, ui: Any, host: Any) -> None:
        super().__init__(ui, host)
        self._controls = MapControls(self, timers)
        self._widgets = MapWidgets(ui, self._controls.choose)
        self._results = ResultChooser(ui, host)
        # new views have their size only after Qt has laid them out
        self._fitting = timers.after(0, self._fitNewViews)
        self._showWhetherThereIsOne()

    # what the host tells

    def enter(self) -> None:
        """Go on with what the scene shows."""
        self._results.follow()
        self._showWhetherThereIsOne()
        self._controls.enter()

    def exit(self) -> None:
        """Another module is shown: the views hold still."""
        self._controls.exit()
        self._fitting.stop()

    def cleanup(self) -> None:
        """Let go."""
        self._controls.hold()
        self._fitting.stop()
        self._results.close()

    def onSceneClosed(self) -> None:
        """The result is gone, and one that is being opened is not wanted any more."""
        self._results.cancel()
        self.onResultChanged(None)

    def onResultChanged(self, result: Any) -> None:
        """Show another result, as it looked when it was shown last."""
        self._fitting.stop()
        self._results.refresh()
        self._controls.on_result(result)
        self._showWhetherThereIsOne()

    def onParametersChanged(self) -> None:
        """Bring panel and views in line with the choices."""
        self._controls.follow()

    # what the controls ask

    def choices(self) -> MapChoices | None:
        """Return what the parameter node says; None while it is of no or another result."""
        parameters = self._host.parameters
        if parameters is None or self._host.result != self._controls.result:
            return None
        return MapChoices(
            kind=parameters.mapKind,
            color=parameters.mapColor,
            opacity=parameters.opacity,
            threshold=parameters.thresholdMm,
            window=(parameters.windowLow, parameters.windowHigh),
            background=parameters.background,
            compare=parameters.compare,
            layout=parameters.layout,
            transform=parameters.gridVisible,
            outlines=parameters.outlines,
            in_3d=parameters.map3d,
        )

    @property
    def has_structures(self) -> bool:
        """Whether some are chosen."""
        return self._host.parameters.structures is not None

    def structures(self) -> Structures | None:
        """Return those that are chosen."""
        return self._host.structures.on(self._controls.result)

    def choose(self, **fields: Any) -> None:
        """Change choices all at once; the host then tells every section."""
        parameters = self._host.parameters
        if parameters is None:
            return
        if "window" in fields:
            fields["windowLow"], fields["windowHigh"] = fields.pop("window")
        before = parameters.StartModify()
        try:
            for name, value in fields.items():
                if getattr(parameters, _FIELDS.get(name, name)) != value:
                    setattr(parameters, _FIELDS.get(name, name), value)
        finally:
            parameters.EndModify(before)

    def show(self, view: MapView) -> None:
        """Write into the widgets."""
        self._widgets.show(view, self._host.stage)

    def arrange(self, layout: Layout, first: bool) -> None:
        """Let views that have just appeared show everything."""
        if layout is Layout.SIDE_BY_SIDE and not first:
            self._fitting.start()

    def look_at(self, volume: Any) -> None:
        """Let all views show the whole of a volume."""
        fit(self._host.stage, volume)

    def look_around(self) -> None:
        """Let the 3D view show all that is in it."""
        slicer.app.layoutManager().resetThreeDViews()

    def _fitNewViews(self) -> None:
        result = self._controls.result
        if result is not None and result.warped is not None:
            fit(self._host.stage, result.warped, tuple(SIDE_BY_SIDE.values()))

    def _showWhetherThereIsOne(self) -> None:
        self._ui.noMapLabel.visible = self._controls.result is None
        self._ui.mapContents.visible = self._controls.result is not None
