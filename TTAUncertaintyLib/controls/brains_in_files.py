"""Whether image files show skull-stripped brains: read in a thread, one at a time, each once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..background_work import BackgroundWork
from ..geometry.stored import read_stored
from ..models.offers import are_brains, is_brain_alone
from .clock import Clock

#: Milliseconds between two looks at the thread.
_INTERVAL_MS = 100


class BrainsInFiles:
    """Looks at the image files that are chosen, for a screen whose images are in no scene.

    Parameters
    ----------
    clock
        Of the screen.
    when_read
        Called after each file that was read, or could not be.
    """

    def __init__(self, clock: Clock, when_read: Callable[[], None]) -> None:
        self._when_read = when_read
        self._known: dict[Path | None, bool | None] = {}
        self._reading: tuple[Path, BackgroundWork[bool | None]] | None = None
        self._timer = clock.every(_INTERVAL_MS, self._look)

    def both(self, fixed: Path | None, moving: Path | None) -> bool | None:
        """Return whether both files show a brain alone, and begin to read what is not known yet.

        A file must not change: what was read once is not read again.

        Returns
        -------
        bool or None
            None as long as it is not known, as there are no two, and where one cannot be read.
        """
        pair = fixed, moving
        unknown = (file for file in pair if file is not None and file not in self._known)
        if self._reading is None and (file := next(unknown, None)) is not None:
            self._reading = file, BackgroundWork(partial(_shows_brain, file))
            self._timer.start()
        return are_brains(map(self._known.get, pair))

    def _look(self) -> None:
        """See whether the file has been read."""
        if self._reading is not None and self._reading[1].ended:
            self._timer.stop()
            file, work = self._reading
            self._known[file], self._reading = work.result, None
            self._when_read()


def _shows_brain(file: Path) -> bool | None:
    image = read_stored(file)
    return is_brain_alone(image.values, image.lattice)
