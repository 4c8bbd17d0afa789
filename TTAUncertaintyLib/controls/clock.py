"""What the controls ask of a clock: Qt's timers and a server's loop differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """Calls back after a while. Starting it again begins the while anew."""

    @property
    def active(self) -> Any:
        """Whether it will call."""

    def start(self) -> Any:
        """Begin."""

    def stop(self) -> Any:
        """Do not call any more."""


class Clock(Protocol):
    """Makes timers, which do not run before they are started."""

    def after(self, interval_ms: int, slot: Callable[[], None], /) -> Timer:
        """Return a timer that calls once."""

    def every(self, interval_ms: int, slot: Callable[[], None], /) -> Timer:
        """Return a timer that calls again and again."""
