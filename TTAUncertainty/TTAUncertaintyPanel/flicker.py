"""Two images in turn, which the eye compares better than side by side."""

from __future__ import annotations

from collections.abc import Callable

from .timers import every

#: Milliseconds that each image stays: about two changes a second.
INTERVAL_MS = 500


class Flicker:
    """Calls back with True and False in turn.

    Parameters
    ----------
    onTurn
        Called with True for the first image and False for the second.
    """

    def __init__(self, onTurn: Callable[[bool], None]) -> None:
        self._onTurn = onTurn
        self._first = False
        self._timer = every(INTERVAL_MS, self._turn)

    @property
    def active(self) -> bool:
        """Whether the images take turns at the moment."""
        return bool(self._timer.active)

    def run(self, wanted: bool) -> None:
        """Begin, with the first image at once, or end. Does nothing if it is so already."""
        if wanted and not self.active:
            self._first = False
            self._turn()
            self._timer.start()
        elif not wanted:
            self._timer.stop()

    def _turn(self) -> None:
        self._first = not self._first
        self._onTurn(self._first)
