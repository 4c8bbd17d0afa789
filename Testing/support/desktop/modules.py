"""Loading a scripted module as Slicer does, and the modules that a module may ask for."""

# ruff: noqa: N802, N815  (Slicer's names)

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import slicer

from ..slicer_application import MODULE_LOGICS
from .widgets.declared import doing_nothing, returning
from .widgets.mrml_base import qSlicerScriptedLoadableModuleWidget


class _LogicModule:
    """A module of Slicer's own, of which there is only the logic here."""

    def __init__(self, name, logic):
        self.name = self.title = name
        self._logic = logic

    logic = returning("_logic")
    widgetRepresentation = doing_nothing()


class qSlicerScriptedLoadableModule:  # noqa: N801
    """What a scripted module describes itself to: `parent` of the module class.

    Left out: hidden modules, associated node types, the help section of the panel.
    """

    def __init__(self, path):
        self.path = str(path)
        self.name = Path(path).stem
        self.title = self.helpText = self.acknowledgementText = ""
        self.categories, self.dependencies, self.contributors = [], [], []
        self.hidden = False
        self.icon = None
        self._panel = None

    logic = doing_nothing()

    def widgetRepresentation(self):
        """Return the panel, made on the first call."""
        if self._panel is None:
            self._panel = qSlicerScriptedLoadableModuleWidget()
            self._panel.setObjectName(f"{self.name}ModuleWidget")
            self._panel._make = self._fill
            self._panel.setMRMLScene(slicer.mrmlScene)
            self._fill()
        return self._panel

    def _fill(self):
        cls = getattr(sys.modules[self.name], f"{self.name}Widget")
        self._panel._instance = cls(self._panel)
        setattr(slicer.modules, f"{self.name}Widget", self._panel._instance)
        self._panel._instance.setup()  # and no enter(), even if the panel is shown


class SampleDataLogic:
    """What modules register their samples with; `sources` and `categories` hold what they said."""

    sources: ClassVar[list[dict]] = []
    categories: ClassVar[dict[str, str]] = {}

    @staticmethod
    def registerCustomSampleDataSource(category="Custom", **keywords):
        """Remember a sample."""
        SampleDataLogic.sources.append({"category": category, **keywords})

    @staticmethod
    def registerCustomSampleDataCategory(category, title=None, **_):
        """Remember a category."""
        SampleDataLogic.categories[category] = title or category


def install(application) -> None:
    """Make ``slicer.modules`` and the module ``SampleData``."""
    for name in ("modules", "moduleNames"):
        module = ModuleType(f"slicer.{name}")
        setattr(slicer, name, module)
        sys.modules[f"slicer.{name}"] = module
    for name in ("Colors", *MODULE_LOGICS):
        logic = application.logic(name)
        slicer.app.moduleManager()._modules[name] = _LogicModule(name, logic)
        setattr(slicer.modules, name.lower(), slicer.util.getModule(name))
    sample_data = ModuleType("SampleData")
    SampleDataLogic.sources, SampleDataLogic.categories = [], {}
    sample_data.SampleDataLogic = SampleDataLogic
    sys.modules["SampleData"] = sample_data
    slicer.modules.sampledata = _LogicModule("SampleData", None)
    slicer.app.moduleManager()._modules["SampleData"] = slicer.modules.sampledata
    slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
    slicer.selfTests = {}


def load(path: Path) -> ModuleType:
    """Import a module file under its own name and let it describe itself."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = loaded
    spec.loader.exec_module(loaded)
    module = qSlicerScriptedLoadableModule(path)
    instance = getattr(loaded, path.stem)(module)
    setattr(slicer.modules, path.stem.lower(), module)
    setattr(slicer.modules, f"{path.stem}Instance", instance)
    setattr(slicer.moduleNames, path.stem, path.stem)
    slicer.app.moduleManager()._modules[path.stem] = module
    getattr(instance, "setup", lambda: None)()
    return loaded
