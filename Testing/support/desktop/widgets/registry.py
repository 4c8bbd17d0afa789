"""Which stand-ins there are, and where a module looks for each: in ``ctk`` or in ``slicer``.

Of a widget that the module does not use there is the name only, so that Slicer's own Python can ask
whether a widget is one.
"""

from __future__ import annotations

import sys
from types import ModuleType

import slicer

from .. import application, modules, views, window
from ..offered import classes, offered
from ..pythonqt.gate import hold
from ..pythonqt.ui_loader import CUSTOM_WIDGETS
from . import ctk_containers, ctk_inputs, mrml_base, node_combo_box
from .declared import add_setters

_ROOMS = (
    application,
    modules,
    views,
    window,
    ctk_containers,
    ctk_inputs,
    mrml_base,
    node_combo_box,
)


#: What Slicer's parameterNodeWrapper asks for.
_NAMES_ONLY = (
    "ctkCheckablePushButton",
    "ctkCheckBox",
    "ctkColorPickerButton",
    "ctkComboBox",
    "ctkDirectoryButton",
    "ctkDoubleRangeSlider",
    "ctkDoubleSlider",
    "ctkDoubleSpinBox",
    "ctkPathLineEdit",
    "qMRMLRangeWidget",
    "qMRMLSliderWidget",
    "qMRMLSpinBox",
)


def install() -> ModuleType:
    """Put the module ``ctk`` and Slicer's widgets where a module finds them; return ``ctk``."""
    if "ctk" in sys.modules:
        return sys.modules["ctk"]
    ctk = ModuleType("ctk", __doc__)
    found = {name: type(name, (_NameOnly,), {}) for name in _NAMES_ONLY}
    found |= stand_ins()
    for name, cls in found.items():
        setattr(ctk if name.startswith("ctk") else slicer, name, cls)
        if not issubclass(cls, _NameOnly):
            add_setters(cls, offered(name))
            hold(cls, name)
            CUSTOM_WIDGETS[name] = cls
    ctk.ctkMessageBox = sys.modules["qt"].ctkMessageBox
    sys.modules["ctk"] = ctk
    return ctk


def stand_ins() -> dict[str, type]:
    """Return the stand-ins for classes of CTK and Slicer, by name."""
    return {
        name: value
        for room in _ROOMS
        for name, value in vars(room).items()
        if isinstance(value, type) and value.__module__ == room.__name__ and name in classes()
    }


class _NameOnly:
    def __init__(self, *_):
        raise NotImplementedError(f"The harness has no stand-in for {type(self).__name__}.")
