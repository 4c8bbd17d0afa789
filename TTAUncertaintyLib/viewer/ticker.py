"""Something that happens again and again in the loop of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

#: Seconds that each of two images in turn stays: about two changes a second.
INTERVAL_S = 0.5


class Ticker:
    """Calls back again and again, in the loop of the server, until it is stopped.

    Parameters
    ----------
    on_tick
        Called without arguments.
    interval_s
        Seconds between two calls.
    """

    def __init__(self, on_tick: Callable[[], None], interval_s: float = INTERVAL_S) -> None:
        self._on_tick = on_tick
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        """Whether it ticks."""
        return self._task is not None

    def start(self) -> None:
        """Begin with a tick at once; does nothing while it ticks."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._tick())

    def stop(self) -> None:
        """End; does nothing if it does not tick."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _tick(self) -> None:
        while True:
            self._on_tick()
            await asyncio.sleep(self._interval_s)
