"""Work that takes seconds and touches neither Qt nor the scene: a thread, asked from a timer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from TTAUncertaintyLib.errors import TTAUncertaintyError


class Background:
    """A piece of work in a thread; begins at once.

    Parameters
    ----------
    work
        What to do; it must touch nothing of Slicer or Qt.

    Attributes
    ----------
    ended
        Whether it is over.
    result
        What the work returned.
    error
        What ended it; None if it went well.
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self.ended = False
        self.result: Any = None
        self.error: TTAUncertaintyError | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; for scripts and tests. Returns whether it is over."""
        self._thread.join(timeout_s)
        return self.ended

    def _run(self) -> None:
        try:
            self.result = self._work()
        except TTAUncertaintyError as error:
            self.error = error
        except Exception as error:  # nobody else would ever hear of it
            self.error = TTAUncertaintyError(f"Something failed unexpectedly ({error!r}).")
        finally:
            self.ended = True
