"""The desktop on stand-ins, over the real scene and views."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6 import QtCore, QtWidgets

from ..slicer_application import SlicerApplication
from . import modules, python_layer
from .application import qSlicerApplication
from .desktop import AbstractDesktop
from .hierarchy import HierarchyItems
from .layout import Picture, arrange
from .pythonqt import namespace
from .views import qSlicerLayoutManager
from .widgets import registry
from .widgets.mrml_base import Observation
from .window import qSlicerMainWindow


class Desktop(AbstractDesktop):
    """Slicer's desktop on stand-ins.

    Parameters
    ----------
    views
        Whether to make the slice and 3D views (half a second).
    size
        Width and height of the window in pixels.

    Attributes
    ----------
    application
        `SlicerApplication`: the scene, the logics, the views.
    """

    def __init__(self, views: bool = True, size: tuple[int, int] = (1600, 1000)) -> None:
        super().__init__()
        namespace.install()
        registry.install()
        python_layer.install()
        namespace.application()
        namespace.keep_settings_in(self.folder / "settings")
        self._handler = QtCore.qInstallMessageHandler(self._said_by_qt)
        self.application = SlicerApplication(views=views)
        self.application.io.progress = self._progress
        self._hierarchy = HierarchyItems(self.application.scene)
        self.layout_manager = qSlicerLayoutManager(self.application, views)
        slicer.app = qSlicerApplication(self.application, self.layout_manager)
        modules.install(self.application)
        self._shown = ""
        self._loaded: list[str] = []
        self.window = qSlicerMainWindow(self.open, size)

    def load_module(self, path: Path | str) -> ModuleType:
        loaded = modules.load(Path(path))
        self._loaded.append(Path(path).stem)
        return loaded

    def start_up(self) -> None:
        slicer.app.startupCompleted.emit()

    def open(self, name: str) -> Any:
        """Show a module's panel, as choosing it in the list of modules does; return its object.

        One of Slicer's own modules has no panel here: the panel before it is left, and that is all.
        """
        panel = slicer.util.getModule(name).widgetRepresentation()
        if panel is None:
            self.leave()
            self.window.moduleSelector().selectedModule = name
            return None
        if self._shown != name:
            self.leave()
            self.window.show()
            self._shown = self.window.moduleSelector().selectedModule = name
            self.window._show_panel(slicer.util.getModule(name).title, panel)
        self.process_events()
        return panel.self()

    def leave(self) -> None:
        if self._shown:
            self.window._take_panel(slicer.util.getModule(self._shown).widgetRepresentation())
        self._shown = ""

    def close_scene(self) -> None:
        self.application.close_scene()
        self.process_events()

    def save_scene(self, path: Path | str) -> None:
        if not self.application.save_scene(Path(path)):
            raise OSError(f"The scene was not saved to {path}.")

    def open_scene(self, path: Path | str) -> None:
        if not self.application.open_scene(Path(path)):
            raise OSError(f"The scene {path} was not opened.")
        self.process_events()

    def screenshot(self, path: Path | str, layout: int | None = None) -> None:
        """Write a picture of the window with its views drawn into it, in a layout if one is given.

        The layout is its number in the layout node.
        """
        if layout is not None:
            self.layout_manager.setLayout(layout)
        self.window.show()
        manager = self.layout_manager
        self.window._show_views(arrange(manager._shown(), manager._view))
        self.process_events()
        for picture in self.window._views.findChildren(Picture):
            picture.draw()
        self.grab(path=path)

    def picture(self, view: str) -> Any:
        return self.application.render_slice(view)

    def quit(self) -> None:
        slicer.app.aboutToQuit.emit()
        for name in self._loaded:
            slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(name)
        self.process_events()

    def _take_down(self) -> None:
        self.leave()
        self.quit()
        for name in self._loaded:
            panel = slicer.util.getModule(name)._panel
            if panel is not None:
                panel.setMRMLScene(None)
                panel.deleteLater()
        self.window.deleteLater()
        self.process_events()
        Observation.end_all()
        self.layout_manager._close()
        self._hierarchy.close()
        self.application.close()
        QtCore.qInstallMessageHandler(self._handler)
        for name in (*self._loaded, "SampleData"):
            sys.modules.pop(name, None)
        gc.collect()  # now, and not in the middle of the next desktop

    @contextmanager
    def _progress(self) -> Iterator[None]:
        """Let Qt handle events whenever a node comes in, as Slicer's progress dialog does.

        Slicer's does so once it is shown, after a second, and until its bar is full: it begins at
        25 of 100, and a node is one more. Here it is shown from the start, so that slots and timers
        run in the middle of every import.
        """
        scene, steps = self.application.scene, iter(range(25, 99))

        def node_added(*_: Any) -> None:
            if next(steps, None) is not None:
                QtWidgets.QApplication.processEvents()

        tag = scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, node_added, -1000.0)
        try:
            yield
        finally:
            scene.RemoveObserver(tag)

    def _said_by_qt(self, _kind: Any, _context: Any, text: str) -> None:
        if "propagateSizeHints" not in text:  # said by the platform without a screen, of itself
            self.warnings.append(text)
