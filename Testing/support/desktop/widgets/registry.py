"""Which stand-ins there are, and where a module looks for each: in ``ctk`` or in ``slicer``."""

from __future__ import annotations

import sys
from types import ModuleType

import slicer

from ..pythonqt.dialogs import QMessageBox
from ..pythonqt.ui_loader import CUSTOM_WIDGETS
from . import ctk_containers, ctk_inputs, ctk_paths, mrml_base, node_combo_box, table_view


class ctkMessageBox(QMessageBox):  # noqa: N801
    """The message box of ``slicer.util``; recorded, not shown."""


class qMRMLSliderWidget(ctk_inputs.ctkSliderWidget):  # noqa: N801
    """CTK's. Left out: units that follow the scene."""


class qMRMLSpinBox(ctk_inputs.ctkDoubleSpinBox):  # noqa: N801
    """CTK's. Left out: units that follow the scene."""


class qMRMLRangeWidget(ctk_inputs.ctkRangeWidget):  # noqa: N801
    """CTK's. Left out: units that follow the scene."""


def install() -> ModuleType:
    """Put the module ``ctk`` and Slicer's widgets where a module finds them; return ``ctk``."""
    ctk = sys.modules.get("ctk") or ModuleType("ctk", __doc__)
    found = {ctkMessageBox, qMRMLSliderWidget, qMRMLSpinBox, qMRMLRangeWidget}
    for room in (ctk_containers, ctk_inputs, ctk_paths, mrml_base, node_combo_box, table_view):
        found |= {value for value in vars(room).values() if isinstance(value, type)}
    for cls in found:
        if cls.__name__.startswith("ctk"):
            setattr(ctk, cls.__name__, cls)
        elif cls.__name__.startswith(("qMRML", "qSlicer")):
            setattr(slicer, cls.__name__, cls)
        else:
            continue
        CUSTOM_WIDGETS[cls.__name__] = cls
    sys.modules["ctk"] = ctk
    return ctk
