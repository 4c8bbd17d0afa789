"""The one run that may be under way in this Slicer, whoever started it, and the one process."""

from __future__ import annotations

import atexit
from typing import Any

import slicer

from TTAUncertaintyLib.worker import Worker

#: Does the runs of this Slicer, and stays between them.
WORKER = Worker()

_running: list[Any] = []
_watched: Any = None


def running() -> Any:
    """Return the `RunController` that is under way; None if there is none."""
    return _running[0] if _running else None


def begin(controller: Any) -> None:
    """Note that a run is under way, and see to it that it ends when Slicer does."""
    global _watched
    _running.append(controller)
    if _watched is not slicer.app:
        _watched = slicer.app
        slicer.app.connect("aboutToQuit()", end_all)
        atexit.unregister(end_all)
        atexit.register(end_all)  # where there is no window to be closed


def over(controller: Any) -> None:
    """Note that a run is over."""
    if controller in _running:
        _running.remove(controller)


def end_all() -> None:
    """End every run and the process, and leave nothing behind; blocks five seconds at most."""
    for controller in list(_running):
        controller.close()
    WORKER.close()
