"""The widgets of the section Uncertainty map: they show the choices, and tell what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.scene.layouts import Layout
from TTAUncertaintyLib.scene.looks import limits_of, meaning_of
from TTAUncertaintyLib.scene.presentation import Presentation

from .bindings import ButtonsBinding, limit
from .look import BAR_SIZE, color_bar, small_print


class MapWidgets:
    """What a person sets of a map and of the views.

    Parameters
    ----------
    ui
        The form's widgets.
    choose
        Called with fields of the parameter node, by name, when the person sets something.
    """

    def __init__(self, ui: Any, choose: Callable[..., None]) -> None:
        self._ui = ui
        self._choose = choose
        self._showing = False
        self._tips: dict[str, str] = {}
        for label in (ui.meaningLabel, ui.resultLabel):
            small_print(label)
        ui.mapCombo.connect(
            "activated(int)", lambda row: self._tell(mapKind=ui.mapCombo.itemData(row))
        )
        ui.colorCombo.connect(
            "activated(int)", lambda row: self._tell(mapColor=ui.colorCombo.itemText(row))
        )
        ui.windowRange.valuesChanged.connect(
            lambda low, high: self._tell(windowLow=low, windowHigh=high)
        )
        ui.thresholdSlider.valueChanged.connect(lambda value: self._tell(thresholdMm=value))
        self._background = ButtonsBinding(
            {"warped": ui.warpedButton, "fixed": ui.fixedButton, "moving": ui.beforeButton},
            "background",
            lambda _name, value: self._tell(background=value, compare="none"),
        )
        self._compare = ButtonsBinding(
            {
                "none": ui.compareNoneButton,
                "flicker": ui.flickerButton,
                "checkerboard": ui.checkerboardButton,
                "difference": ui.differenceButton,
            },
            "compare",
            lambda _name, value: self._tell(compare=value),
        )
        self._layout = ButtonsBinding(
            {Layout.FOUR_UP.value: ui.quadButton, Layout.SIDE_BY_SIDE.value: ui.threeUpButton},
            "layout",
            lambda _name, value: self._tell(layout=value),
        )
        self._grid = ButtonsBinding(
            {"none": ui.gridNoneButton, "grid": ui.gridGridButton, "glyphs": ui.gridGlyphsButton},
            "gridVisible",
            lambda _name, value: self._tell(gridVisible=value),
        )

    def fillMaps(self, kinds: Sequence[MapKind]) -> None:
        """Offer the maps that a result has."""
        combo = self._ui.mapCombo
        combo.clear()
        for kind in kinds:
            unit = f" ({kind.facts.unit})" if kind.facts.unit else ""
            combo.addItem(_(kind.facts.title) + unit, kind.value)

    def fillColors(self, tables: Sequence[tuple[str, Any]]) -> None:
        """Offer colour tables: what they are called, and their colour nodes."""
        combo = self._ui.colorCombo
        combo.clear()
        combo.setIconSize(qt.QSize(*BAR_SIZE))
        for name, node in tables:
            combo.addItem(color_bar(node), name)

    def show(self, result: Any, wanted: Presentation, compare: str, layout: Layout | None) -> None:
        """Show what is on the screen, without taking that for the person's doing.

        Parameters
        ----------
        result
            `ResultNodes`.
        wanted
            What is on the screen.
        compare
            How two images are compared; a value of the field of that name.
        layout
            The arrangement of the views; None for one of Slicer's others.
        """
        self._showing = True
        try:
            self._showLook(result, wanted)
            self._showPossible(result)
            self._compare.show(compare)
            if compare != "flicker":
                self._background.show(wanted.background.value if compare == "none" else "")
            self._layout.show(layout.value if layout else "")
            self._grid.show(wanted.transform.value)
            self._show3D(wanted)
        finally:
            self._showing = False

    def showTurn(self, background: str) -> None:
        """Show which of the two images that take turns is on the screen."""
        self._background.show(background)

    def _tell(self, **fields: Any) -> None:
        if not self._showing:
            self._choose(**fields)

    def _showLook(self, result: Any, wanted: Presentation) -> None:
        ui, display = self._ui, wanted.display
        facts = display.kind.facts
        limits = limits_of(result, display)
        ui.mapCombo.setCurrentIndex(ui.mapCombo.findData(display.kind.value))
        ui.meaningLabel.text = _(meaning_of(result, display.kind))
        ui.colorCombo.setCurrentIndex(ui.colorCombo.findText(display.color))
        suffix = f" {facts.unit}" if facts.unit else ""
        for widget in (ui.windowRange, ui.thresholdSlider):
            widget.suffix = suffix
        ui.windowRange.setRange(limits.low, limits.high)
        ui.windowRange.setValues(*display.window)
        limit(ui.thresholdSlider, 0.0, limits.high)
        ui.thresholdSlider.value = display.threshold or 0.0

    def _showPossible(self, result: Any) -> None:
        """Enable what can be done with the nodes that the scene has."""
        ui = self._ui
        no_fixed = "" if result.fixed else _("The fixed volume is not in the scene.")
        no_moving = "" if result.moving else _("The moving volume is not in the scene.")
        no_transform = "" if result.transform else _("The transform is not in the scene.")
        for buttons, reason in (
            (("fixed", "flicker", "checkerboard", "difference"), no_fixed),
            (("before",), no_moving),
            (("gridGrid", "gridGlyphs"), no_transform),
        ):
            for name in buttons:
                button = getattr(ui, f"{name}Button")
                tip = self._tips.setdefault(name, button.toolTip)
                button.enabled = not reason
                button.toolTip = reason or tip

    def _show3D(self, wanted: Presentation) -> None:
        check = self._ui.map3dCheck
        check.enabled = wanted.display.kind.facts.unit == "mm"
        if check.enabled:
            words = _("Regions above {level:.2f} mm, inside the head")
            check.text = words.format(level=wanted.level_3d)
        else:
            check.text = _("For maps in mm only")
