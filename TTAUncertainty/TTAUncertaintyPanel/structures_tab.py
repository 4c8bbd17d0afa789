"""The tab Structures: the map under review in each structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.review import StructureStatistics
from TTAUncertaintyLib.scene.review_desk import ReviewDesk
from TTAUncertaintyLib.scene.structures import Structures

from . import look, words
from .bindings import NumberBinding

_NAME, _ABOVE = 0, 5

#: Seconds that measuring may hold the panel.
_SHORT_S = 0.05


class StructuresTab:
    """Shows statistics per structure.

    Parameters
    ----------
    ui
        The form's widgets.
    onTolerance
        Called with the person's tolerance in mm, or None for none.
    """

    def __init__(self, ui: Any, onTolerance: Callable[[float | None], None]) -> None:
        self._ui = ui
        ui.toleranceSpin.specialValueText = _("none")
        self._tolerance = NumberBinding(
            ui.toleranceSpin, "tolerance", lambda _name, value: onTolerance(value or None)
        )
        titles = [
            _("Structure"),
            "cm³",
            _("Median"),
            _("95 %"),
            _("Highest"),
            _("Above"),
        ]
        look.columns(ui.structuresTable, titles, stretched=_NAME)
        look.small_print(ui.structuresLabel)
        ui.structuresTab.layout().addStretch(1)  # the tabs are as high as the highest

    def follow(self, desk: ReviewDesk, structures: Structures | None, trouble: str) -> bool:
        """Show what the review says of the structures; return whether that is all there will be.

        Parameters
        ----------
        desk
            The review.
        structures
            From `ReviewDesk.structures`; None where there are none.
        trouble
            Why the structures that are chosen cannot be used; "" if they can.
        """
        review = desk.review
        self._tolerance.show(review.tolerance_mm or 0.0)
        if structures is None:
            choose = _("Choose a segmentation or label map of the fixed image under Inputs.")
            self._ui.structuresLabel.text = trouble or choose
            self._ui.structuresTable.visible = False
        elif desk.measuring(structures).wait(_SHORT_S):
            self._show(desk.statistics(structures), review.map_key, review.tolerance_mm)
        else:
            self._ui.structuresLabel.text = _("Measuring…")
            return False
        return True

    def _show(
        self, statistics: Sequence[StructureStatistics], map_key: str, tolerance: float | None
    ) -> None:
        """Show one map's statistics; the table node in the scene has those of all maps."""
        ui = self._ui
        found = [one for one in statistics if one.map_key == map_key]
        rows = [
            (
                one.name,
                words.number(one.volume_cm3, 1),
                words.number(one.median),
                words.number(one.p95),
                words.number(one.maximum),
                words.percent(one.share_above),
            )
            for one in found
        ]
        look.fill(ui.structuresTable, rows, left=(_NAME,), most_rows=12)
        above = _("Above") if tolerance is None else f"> {tolerance:g} mm"
        ui.structuresTable.horizontalHeaderItem(_ABOVE).setText(above)
        ui.structuresTable.setColumnHidden(_ABOVE, tolerance is None)
        ui.structuresTable.visible = bool(found)
        title = _(found[0].map_title) if found else ""
        text = _("{map} in mm. All maps are in the table of this result in the scene.")
        ui.structuresLabel.text = text.format(map=title)
