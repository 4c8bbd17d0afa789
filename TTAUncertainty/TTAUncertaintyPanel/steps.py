"""Work in small steps, between which Slicer goes on: for what would hold it for seconds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from .timers import every
from .troubles import in_words

#: Milliseconds between two looks at something that goes on by itself.
_LOOK_MS = 20

#: What the steps of a piece of work are written as: a generator that yields after each step, None
#: or something with `ended` that has to be waited for, and returns what was made.
Work = Generator[Any, None, Any]


class Steps:
    """One piece of work at a time; a new one ends the one before.

    Parameters
    ----------
    onTrouble
        Called with the `TTAUncertaintyError` that ended a piece of work.
    """

    def __init__(self, onTrouble: Callable[[Any], None]) -> None:
        self._onTrouble = onTrouble
        self._work: Work | None = None
        self._waitingFor: Any = None
        self._onDone: Callable[[Any], None] = lambda _made: None
        self._inStep = False
        self._timer = every(0, self._step)

    @property
    def busy(self) -> bool:
        """Whether something is going on."""
        return self._work is not None

    def begin(self, work: Work, onDone: Callable[[Any], None]) -> None:
        """Begin a piece of work; `onDone` is called with what it made, unless it is cancelled."""
        self.cancel()
        self._work, self._onDone = work, onDone
        self._timer.setInterval(0)
        self._timer.start()

    def cancel(self) -> None:
        """End what goes on, and call nobody."""
        work, self._work, self._waitingFor = self._work, None, None
        self._timer.stop()
        if work is not None and not self._inStep:
            work.close()

    def _step(self) -> None:
        waits = self._waitingFor is not None and not self._waitingFor.ended
        if self._work is None or self._inStep or waits:
            return
        work, self._inStep = self._work, True
        try:
            self._waitingFor = next(work)
        except StopIteration as end:
            self._end(work, self._onDone, end.value)
        except Exception as error:
            self._end(work, self._onTrouble, in_words(error))
        finally:
            self._inStep = False
        self._timer.setInterval(0 if self._waitingFor is None else _LOOK_MS)

    def _end(self, work: Work, tell: Callable[[Any], None], what: Any) -> None:
        """Tell of an end, unless the work was cancelled during its last step."""
        if self._work is work:
            self._work = self._waitingFor = None
            self._timer.stop()
            tell(what)
