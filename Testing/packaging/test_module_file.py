"""The module file, loaded over stand-ins for Slicer's classes: what it says, and that it only says.

This is not Slicer; it holds the file to importing, describing itself and filling its panel.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


class _Label:
    def __init__(self, text):
        self.text = text


class _Layout:
    def __init__(self):
        self.widgets = []

    def addWidget(self, widget):  # noqa: N802
        self.widgets.append(widget)

    def addStretch(self, _stretch):  # noqa: N802
        pass


class _Module:
    def __init__(self, parent):
        self.parent = parent


class _Widget:
    def setup(self):
        self.layout = _Layout()


@pytest.fixture
def module(monkeypatch):
    qt = ModuleType("qt")
    qt.QLabel = _Label
    qt.Qt = SimpleNamespace(TextSelectableByMouse=1)
    translation = ModuleType("slicer.i18n")
    translation.tr = lambda text: text
    translation.translate = lambda _context, text: text
    scripted = ModuleType("slicer.ScriptedLoadableModule")
    scripted.ScriptedLoadableModule = _Module
    scripted.ScriptedLoadableModuleWidget = _Widget
    scripted.ScriptedLoadableModuleLogic = object
    scripted.ScriptedLoadableModuleTest = object
    for name, stand_in in (
        ("qt", qt),
        ("slicer", ModuleType("slicer")),
        ("slicer.i18n", translation),
        ("slicer.ScriptedLoadableModule", scripted),
    ):
        monkeypatch.setitem(sys.modules, name, stand_in)
    path = REPOSITORY / "TTAUncertainty" / "TTAUncertainty.py"
    spec = importlib.util.spec_from_file_location("TTAUncertainty", path)
    loaded = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    spec.loader.exec_module(loaded)
    loaded.imported = set(sys.modules) - before
    return loaded


def test_module_describes_itself(module):
    parent = module.TTAUncertainty(SimpleNamespace()).parent
    assert parent.title
    assert parent.categories == ["Registration"]
    assert "variance" in parent.helpText
    assert "2509.23355" in parent.acknowledgementText


def test_panel_names_the_folder_to_start_from(module):
    panel = module.TTAUncertaintyWidget()
    panel.setup()
    (label,) = panel.layout.widgets
    assert str(REPOSITORY) in label.text
    assert "TTAUncertaintyLib" in label.text


def test_loading_the_module_loads_neither_the_library_nor_torch(module):
    roots = {name.partition(".")[0] for name in module.imported}
    assert not roots & {"TTAUncertaintyLib", "torch", "numpy", "SimpleITK"}
