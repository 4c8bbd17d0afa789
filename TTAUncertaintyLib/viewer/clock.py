"""Timers in the loop of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Timer:
    """Calls a function once or again and again, after it was started; see `controls.clock`."""

    state: Any
    interval_ms: int
    slot: Callable[[], None]
    again: bool
    _handle: asyncio.TimerHandle | None = field(default=None, init=False)

    @property
    def active(self) -> bool:
        """Whether it will call."""
        return self._handle is not None

    def start(self) -> None:
        """Begin, or begin anew."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(self.interval_ms / 1000, self._call)

    def stop(self) -> None:
        """End; does nothing if it does not run."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _call(self) -> None:
        self._handle = None
        if self.again:
            self.start()
        with self.state:
            self.slot()


class ServerClock:
    """Makes timers; what they change of the state reaches the pages.

    Parameters
    ----------
    state
        trame's.
    """

    def __init__(self, state: Any) -> None:
        self._state = state

    def after(self, interval_ms: int, slot: Callable[[], None], /) -> Timer:
        """Return a timer that calls once."""
        return Timer(self._state, interval_ms, slot, again=False)

    def every(self, interval_ms: int, slot: Callable[[], None], /) -> Timer:
        """Return a timer that calls again and again."""
        return Timer(self._state, interval_ms, slot, again=True)
