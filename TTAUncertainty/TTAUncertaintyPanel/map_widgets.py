"""The widgets of the section Uncertainty map: they show its controls, and tell what is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.map_view import MapView
from TTAUncertaintyLib.controls.option import Option
from TTAUncertaintyLib.scene.colors import color_node
from TTAUncertaintyLib.scene.stage import Stage

from .bindings import ListBinding, Segments, limit
from .look import BAR_SIZE, color_bar, small_print


class MapWidgets:
    """What a person sets of a map and of the views.

    Parameters
    ----------
    ui
        The form's widgets.
    choose
        Called with what the person sets, by its name in `MapChoices`.
    """

    def __init__(self, ui: Any, choose: Callable[..., None]) -> None:
        self._ui = ui
        self._choose = choose
        self._showing = False
        for label in (ui.meaningLabel, ui.resultLabel):
            small_print(label)
        ui.colorCombo.setIconSize(qt.QSize(*BAR_SIZE))
        self._maps = ListBinding(ui.mapCombo, "kind", self._tell)
        self._colors = ListBinding(ui.colorCombo, "color", self._tell)
        ui.windowRange.valuesChanged.connect(lambda low, high: self._tell("window", (low, high)))
        ui.thresholdSlider.valueChanged.connect(lambda value: self._tell("threshold", value))
        self._background = Segments(ui.backgroundButtons, "background", self._tell)
        self._compare = Segments(ui.compareButtons, "compare", self._tell)
        self._layout = Segments(ui.layoutButtons, "layout", self._tell)
        self._transform = Segments(ui.gridButtons, "transform", self._tell)
        self._outlines = Segments(ui.outlineButtons, "outlines", self._tell)
        self.show(MapView(), None)  # the panel is as wide before a result as with one

    def show(self, view: MapView, stage: Stage | None) -> None:
        """Show the controls, without taking that for the person's doing."""
        self._showing = True
        try:
            self._showLook(view, stage)
            self._background.offer(view.backgrounds, view.background)
            self._compare.offer(view.comparisons, view.compare)
            self._layout.offer(view.layouts, view.layout)
            self._transform.offer(view.transforms, view.transform)
            self._outlines.offer(view.outlines, view.outline)
            self._ui.map3dCheck.enabled = view.in_3d_possible
            self._ui.map3dCheck.text = view.in_3d_words.said(_)
        finally:
            self._showing = False

    def _tell(self, name: str, value: Any) -> None:
        if not self._showing:
            self._choose(**{name: value})

    def _showLook(self, view: MapView, stage: Stage | None) -> None:
        ui = self._ui
        self._maps.set_options(view.maps)
        self._maps.show(view.kind)
        ui.meaningLabel.text = _(view.meaning)
        tables = [Option(name, name) for name in view.colors]
        self._colors.set_options(tables, lambda row: color_bar(color_node(stage, view.colors[row])))
        self._colors.show(view.color)
        suffix = f" {view.unit}" if view.unit else ""
        for widget in (ui.windowRange, ui.thresholdSlider):
            widget.suffix = suffix
        ui.windowRange.setRange(view.limits.low, view.limits.high)
        ui.windowRange.setValues(*view.window)
        limit(ui.thresholdSlider, 0.0, view.limits.high)
        ui.thresholdSlider.value = view.threshold
