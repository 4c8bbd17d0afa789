"""The desktop for tests: loads a module's file, opens its panel, and lets time pass."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
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
from .hierarchy import HierarchyItems
from .layout import Picture, arrange
from .pythonqt import namespace
from .pythonqt.dialogs import DIALOGS, Message
from .views import qSlicerLayoutManager
from .widgets import registry
from .widgets.mrml_base import Observation
from .window import qSlicerMainWindow


class Desktop:
    """Slicer's desktop on stand-ins, over the real scene and views.

    Use it as a context manager. What goes wrong in a slot or an observer, which Qt and VTK only
    print, is kept in `errors` and raised when the desktop closes.

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
    messages
        The dialogs that were shown, as `Message`.
    errors
        Exceptions that nobody caught, as text.
    warnings
        What Qt complained about.
    """

    def __init__(self, views: bool = True, size: tuple[int, int] = (1600, 1000)) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="desktop-")
        self.folder = Path(self._folder.name)
        namespace.install()
        registry.install()
        python_layer.install()
        namespace.application()
        namespace.keep_settings_in(self.folder / "settings")
        DIALOGS.clear()
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self._hook, sys.excepthook = sys.excepthook, self._uncaught
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
        self._closed = False

    def __enter__(self) -> Desktop:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self.close(raise_errors=kind is None)

    @property
    def messages(self) -> list[Message]:
        """The dialogs that were shown, oldest first."""
        return DIALOGS.messages

    def answer(self, *answers: Any) -> None:
        """Queue answers: True or False for a question, a path for a file dialog."""
        DIALOGS.answers.extend(answers)

    def load_module(self, path: Path | str) -> ModuleType:
        """Load a scripted module's file and return the Python module."""
        loaded = modules.load(Path(path))
        self._loaded.append(Path(path).stem)
        return loaded

    def start_up(self) -> None:
        """Say that Slicer has started, which modules wait for to register their samples."""
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
        """Go to another module."""
        if self._shown:
            self.window._take_panel(slicer.util.getModule(self._shown).widgetRepresentation())
        self._shown = ""

    def reload(self, widget: Any) -> Any:
        """Press Reload, and return the panel's new object."""
        widget.onReload()
        self.process_events()
        return slicer.util.getModuleWidget(widget.moduleName)

    def process_events(self, seconds: float = 0.0) -> None:
        """Let Qt handle events: what is waiting, or for a time."""
        end = time.monotonic() + seconds
        while True:
            QtWidgets.QApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 20)
            QtWidgets.QApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
            if time.monotonic() >= end:
                return
            time.sleep(0.001)

    def wait_until(self, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Let Qt handle events until a condition holds, and return what it said.

        Raises
        ------
        TimeoutError
            If it does not hold in time.
        """
        end = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > end:
                raise TimeoutError(f"Nothing came of it in {seconds} s. Uncaught: {self.errors}")
            self.process_events(0.002)
        return found

    def close_scene(self) -> None:
        """Empty the scene, as File > Close Scene does."""
        self.application.close_scene()
        self.process_events()

    def save_scene(self, path: Path | str) -> None:
        """Save the scene as .mrb or .mrml."""
        if not self.application.save_scene(Path(path)):
            raise OSError(f"The scene was not saved to {path}.")

    def open_scene(self, path: Path | str) -> None:
        """Close the scene and open a saved one."""
        if not self.application.open_scene(Path(path)):
            raise OSError(f"The scene {path} was not opened.")
        self.process_events()

    def grab(self, widget: Any = None, path: Path | str | None = None) -> bytes:
        """Return a widget's picture as PNG, that of the window by default; write it to a path."""
        self.process_events()
        data = QtCore.QByteArray()
        buffer = QtCore.QBuffer(data)
        buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
        (widget or self.window).grab().save(buffer, "PNG")
        if path is not None:
            Path(path).write_bytes(data.data())
        return data.data()

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

    def quit(self) -> None:
        """Say that Slicer is about to quit, and take the modules down."""
        slicer.app.aboutToQuit.emit()
        for name in self._loaded:
            slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(name)
        self.process_events()

    def close(self, raise_errors: bool = True) -> None:
        """Quit, and take everything down. Raise what was not caught anywhere."""
        if self._closed:
            return
        self._closed = True
        try:
            self.leave()
            self.quit()
        finally:
            self._take_down()
        if raise_errors and self.errors:
            raise AssertionError("Not caught anywhere:\n" + "\n".join(self.errors))

    def _take_down(self) -> None:
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
        sys.excepthook = self._hook
        QtCore.qInstallMessageHandler(self._handler)
        for name in (*self._loaded, "SampleData"):
            sys.modules.pop(name, None)
        gc.collect()  # now, and not in the middle of the next desktop
        self._folder.cleanup()

    @contextmanager
    def _progress(self) -> Iterator[None]:
        """Let Qt handle events whenever a node comes in, as Slicer's progress dialog does.

        Slicer's does so once it is shown, after a second; here it is always shown, so that slots
        and timers run in the middle of every import.
        """
        scene = self.application.scene

        def node_added(*_: Any) -> None:
            QtWidgets.QApplication.processEvents()

        tag = scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, node_added, -1000.0)
        try:
            yield
        finally:
            scene.RemoveObserver(tag)

    def _uncaught(self, kind: Any, error: Any, trace: Any) -> None:
        self.errors.append("".join(traceback.format_exception(kind, error, trace)))

    def _said_by_qt(self, _kind: Any, _context: Any, text: str) -> None:
        if "propagateSizeHints" not in text:  # said by the platform without a screen, of itself
            self.warnings.append(text)
