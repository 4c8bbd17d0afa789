"""The desktop over a real Slicer, in which the tests run (`run_in_slicer`)."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import ctk
import numpy as np
import pytest
import qt
import slicer
import slicer.util
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .desktop import AbstractDesktop
from .pythonqt.dialogs import recording

#: Modules of Slicer, one of which is shown when a panel is left.
_OTHERS = ("Data", "Volumes", "Models")

#: Modules whose panel was taken down at the end of a test.
_TAKEN_DOWN: set[str] = set()


class Desktop(AbstractDesktop):
    """The real application, with an empty scene, settings of its own, and recorded dialogs.

    What a test does that cannot be done in an application that goes on, quitting for one, skips the
    test. What Qt complains about is in Slicer's error log, not in `warnings`.

    Parameters
    ----------
    views
        Nothing: there are always views.
    """

    def __init__(self, views: bool = True) -> None:
        super().__init__()
        self._put_back: list[tuple[Any, str, Any]] = []
        for name, cls in recording(qt).items():
            self._replace(ctk if name.startswith("ctk") else qt, name, cls)
        self._replace(qt, "QSettings", _settings(self.folder / "settings.ini"))
        self._loaded: list[str] = []
        self.window = slicer.util.mainWindow()
        self.layout_manager = slicer.app.layoutManager()
        self._empty()

    def _replace(self, where: Any, name: str, by: Any) -> None:
        self._put_back.append((where, name, getattr(where, name)))
        setattr(where, name, by)

    def _empty(self) -> None:
        slicer.mrmlScene.Clear(False)
        self.layout_manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutInitialView)
        self.process_events()

    def load_module(self, path: Path | str) -> ModuleType:
        """Let Slicer load a module, once; a second desktop gets it as it is."""
        name = Path(path).stem
        factory = slicer.app.moduleManager().factoryManager()
        if not factory.isLoaded(name):
            factory.registerModule(qt.QFileInfo(str(path)))
            if not factory.loadModules([name]):
                raise ImportError(f"Slicer did not load {path}.")
        self._loaded.append(name)
        return sys.modules[name]

    def start_up(self) -> None:
        """Skip the test: Slicer has started, once."""
        pytest.skip("NOT TESTED in a real Slicer: it starts only once.")

    def open(self, name: str) -> Any:
        if name in _TAKEN_DOWN:
            _TAKEN_DOWN.discard(name)
            slicer.util.getModule(name).widgetRepresentation().reload()
        slicer.util.selectModule(name)
        self.process_events()
        return slicer.util.getModuleWidget(name) if name in self._loaded else None

    def leave(self) -> None:
        if slicer.util.selectedModule() in self._loaded:
            there = slicer.app.moduleManager().factoryManager().loadedModuleNames()
            slicer.util.selectModule(next(name for name in _OTHERS if name in there))
        self.process_events()

    def close_scene(self) -> None:
        slicer.mrmlScene.Clear(False)
        self.process_events()

    def save_scene(self, path: Path | str) -> None:
        if not slicer.util.saveScene(str(path)):
            raise OSError(f"The scene was not saved to {path}.")

    def open_scene(self, path: Path | str) -> None:
        slicer.mrmlScene.Clear(False)
        slicer.util.loadScene(str(path))
        self.process_events()

    def picture(self, view: str) -> Any:
        self.process_events()
        drawn = self.layout_manager.sliceWidget(view).sliceView()
        drawn.forceRender()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(drawn.renderWindow())
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars())
        return np.flipud(pixels.reshape(height, width, -1)[..., :3])

    def quit(self) -> None:
        """Skip the test: the others are still to come."""
        pytest.skip("NOT TESTED in a real Slicer: the tests run in it.")

    def _take_down(self) -> None:
        self.leave()
        for name in self._loaded:
            self._take_panel_down(name)
        self._empty()
        for where, name, value in reversed(self._put_back):
            setattr(where, name, value)

    def _take_panel_down(self, name: str) -> None:
        """End a panel and delete its widgets: the next test gets a new one."""
        panel = getattr(slicer.modules, f"{name}Widget", None)
        if panel is None:
            return
        panel.cleanup()
        manager = slicer.app.moduleManager()
        manager.disconnect("moduleAboutToBeUnloaded(QString)", panel._onModuleAboutToBeUnloaded)
        delattr(slicer.modules, f"{name}Widget")
        _TAKEN_DOWN.add(name)
        parent = slicer.util.getModule(name).widgetRepresentation()
        layout = parent.layout()
        while layout.count():
            layout.takeAt(0)
        for child in parent.children():
            if child is not layout and child.inherits("QWidget"):
                child.deleteLater()


def _settings(file: Path) -> Any:
    """``qt.QSettings``, which without arguments gives those in a file of the desktop's."""
    genuine = qt.QSettings

    def settings(*arguments: Any) -> Any:
        return genuine(*arguments) if arguments else genuine(str(file), genuine.IniFormat)

    settings.IniFormat = genuine.IniFormat  # type: ignore[attr-defined]
    return settings
