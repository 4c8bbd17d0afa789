"""Work that takes seconds, in a thread that is looked at again and again: from a timer, a loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import TTAUncertaintyError

_Made = TypeVar("_Made")


class BackgroundWork(Generic[_Made]):
    """A piece of work in a thread; begins at once.

    Parameters
    ----------
    work
        What to do; it must touch neither Qt nor the scene.
    """

    def __init__(self, work: Callable[[], _Made]) -> None:
        #: What the work returned; None before its end, or if it failed.
        self.result: _Made | None = None
        #: What ended it; None if it went well.
        self.error: TTAUncertaintyError | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return not self._thread.is_alive()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; returns whether it is over."""
        self._thread.join(timeout_s)
        return self.ended

    def take(self) -> _Made:
        """Return what the work returned; waits for it where need be.

        Raises
        ------
        TTAUncertaintyError
            What the work failed with.
        """
        self._thread.join()
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # it ended, and not with an error

    def _run(self) -> None:
        try:
            self.result = self._work()
        except TTAUncertaintyError as error:
            self.error = error
        except Exception as error:  # nobody else would ever hear of it
            self.error = TTAUncertaintyError(f"Something failed unexpectedly ({error!r}).")
