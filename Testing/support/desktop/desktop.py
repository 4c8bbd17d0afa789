"""The desktop as tests use it: the same over the stand-ins and over the real Slicer."""

from __future__ import annotations

import abc
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from .pythonqt.dialogs import DIALOGS, Message


class AbstractDesktop(abc.ABC):
    """Slicer's desktop: loads a module's file, opens its panel, lets time pass.

    Use it as a context manager. What goes wrong in a slot or an observer, which Qt and VTK only
    print, is kept in `errors` and raised when the desktop closes.

    Attributes
    ----------
    folder
        A folder for this desktop's files, which goes with it.
    window
        The main window.
    messages
        The dialogs that were shown, as `Message`.
    errors
        Exceptions that nobody caught, as text.
    warnings
        What Qt complained about.
    """

    window: Any

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="desktop-")
        self.folder = Path(self._folder.name)
        DIALOGS.clear()
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self._hook, sys.excepthook = sys.excepthook, self._uncaught
        self._closed = False

    def __enter__(self) -> AbstractDesktop:
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

    @abc.abstractmethod
    def load_module(self, path: Path | str) -> ModuleType:
        """Load a scripted module's file and return the Python module."""

    @abc.abstractmethod
    def start_up(self) -> None:
        """Say that Slicer has started, which modules wait for to register their samples."""

    @abc.abstractmethod
    def open(self, name: str) -> Any:
        """Show a module's panel, as choosing it in the list of modules does; return its object."""

    @abc.abstractmethod
    def leave(self) -> None:
        """Go to another module."""

    def reload(self, widget: Any) -> Any:
        """Press Reload, and return the panel's new object."""
        import slicer

        widget.onReload()
        self.process_events()
        return slicer.util.getModuleWidget(widget.moduleName)

    def process_events(self, seconds: float = 0.0) -> None:
        """Let Qt handle events: what is waiting, or for a time."""
        import qt

        end = time.monotonic() + seconds
        while True:
            qt.QApplication.processEvents(qt.QEventLoop.AllEvents, 20)
            qt.QApplication.sendPostedEvents(None, qt.QEvent.DeferredDelete)
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

    @abc.abstractmethod
    def close_scene(self) -> None:
        """Empty the scene, as File > Close Scene does."""

    @abc.abstractmethod
    def save_scene(self, path: Path | str) -> None:
        """Save the scene as .mrb or .mrml."""

    @abc.abstractmethod
    def open_scene(self, path: Path | str) -> None:
        """Close the scene and open a saved one."""

    def grab(self, widget: Any = None, path: Path | str | None = None) -> bytes:
        """Return a widget's picture as PNG, that of the window by default; write it to a path."""
        self.process_events()
        file = Path(path or self.folder / "grabbed.png")
        (widget or self.window).grab().save(os.fspath(file), "PNG")
        return file.read_bytes()

    @abc.abstractmethod
    def picture(self, view: str) -> Any:
        """Draw a slice view and return what is seen, uint8 [height, width, 3]."""

    @abc.abstractmethod
    def quit(self) -> None:
        """Say that Slicer is about to quit, and take the modules down."""

    def close(self, raise_errors: bool = True) -> None:
        """Take everything down. Raise what was not caught anywhere."""
        if self._closed:
            return
        self._closed = True
        try:
            self._take_down()
        finally:
            sys.excepthook = self._hook
            self._folder.cleanup()
        if raise_errors and self.errors:
            raise AssertionError("Not caught anywhere:\n" + "\n".join(self.errors))

    @abc.abstractmethod
    def _take_down(self) -> None:
        """Leave nothing behind that another desktop would see."""

    def _uncaught(self, kind: Any, error: Any, trace: Any) -> None:
        self.errors.append("".join(traceback.format_exception(kind, error, trace)))
