"""Qt timers, made in the one way that Slicer's Python offers.

PythonQt hides QTimer's property `singleShot` behind the static function of that name; the setter
is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


def after(interval_ms: int, slot: Callable[[], None]) -> Any:
    """Return a timer that calls once, so long after its latest ``start()``.

    With 0 ms it calls when Qt has done what is waiting: many changes at once are one call.
    """
    timer = every(interval_ms, slot)
    timer.setSingleShot(True)
    return timer


def every(interval_ms: int, slot: Callable[[], None]) -> Any:
    """Return a timer that calls again and again between ``start()`` and ``stop()``."""
    timer = qt.QTimer()
    timer.setInterval(interval_ms)
    timer.timeout.connect(slot)
    return timer
