"""The module file, loaded over stand-ins for Slicer's classes: what it says, and that it only says.

This is not Slicer; it holds the file to importing and describing itself and nothing else.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "TTAUncertainty"


class _Module:
    def __init__(self, parent):
        self.parent = parent


class _Application:
    """Remembers what was connected to its signals."""

    def __init__(self):
        self.connected = []

    def connect(self, signal, slot):
        self.connected.append((signal, slot))


@pytest.fixture
def module(monkeypatch):
    slicer = ModuleType("slicer")
    slicer.app = _Application()
    translation = ModuleType("slicer.i18n")
    translation.tr = lambda text: text
    translation.translate = lambda _context, text: text
    scripted = ModuleType("slicer.ScriptedLoadableModule")
    scripted.ScriptedLoadableModule = _Module
    for name in ("Widget", "Logic", "Test"):
        base = type(f"ScriptedLoadableModule{name}", (), {})
        setattr(scripted, base.__name__, base)
    for name, stand_in in (
        ("slicer", slicer),
        ("slicer.i18n", translation),
        ("slicer.ScriptedLoadableModule", scripted),
    ):
        monkeypatch.setitem(sys.modules, name, stand_in)
    path = MODULE / "TTAUncertainty.py"
    spec = importlib.util.spec_from_file_location("TTAUncertainty", path)
    loaded = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    spec.loader.exec_module(loaded)
    loaded.description = loaded.TTAUncertainty(SimpleNamespace()).parent
    loaded.imported = set(sys.modules) - before
    loaded.application = slicer.app
    return loaded


def test_module_describes_itself(module):
    parent = module.description
    assert parent.title
    assert parent.categories == ["Registration"]
    assert "variance" in parent.helpText
    assert "2509.23355" in parent.acknowledgementText


def test_listing_the_module_loads_neither_the_panel_nor_the_library_nor_torch(module):
    roots = {name.partition(".")[0] for name in module.imported}
    heavy = {"TTAUncertaintyPanel", "TTAUncertaintyLib", "torch", "numpy", "SimpleITK", "vtk"}
    assert not roots & heavy


def test_sample_data_are_registered_when_slicer_has_started_and_not_before(module):
    ((signal, slot),) = module.application.connected
    assert signal == "startupCompleted()"
    assert slot.__name__ == "registerSampleData"


def test_slicer_finds_its_four_classes_under_their_names(module):
    for name in ("", "Widget", "Logic", "Test"):
        assert isinstance(vars(module)[f"TTAUncertainty{name}"], type)
