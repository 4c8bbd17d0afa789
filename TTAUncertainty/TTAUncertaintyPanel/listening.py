"""Whoever wants to know of a run, and how long the run held up Slicer."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

#: Seconds that a step may hold up Slicer before the log says so.
LONG_HOLD_S = 0.05


class Listeners:
    """Plain functions to be called; a mistake in one of them is its own and ends nothing."""

    def __init__(self) -> None:
        self._functions: dict[str, list[Callable[[Any], None]]] = {}

    def add(self, event: str, function: Callable[[Any], None] | None) -> None:
        """Add a function for an event; None adds nothing."""
        if function is not None:
            self._functions.setdefault(event, []).append(function)

    def tell(self, event: str, what: Any) -> None:
        """Call every function of an event."""
        for function in list(self._functions.get(event, ())):
            tell(function, what)

    def clear(self) -> None:
        """Forget them all, and whatever they hold on to."""
        self._functions.clear()


def tell(function: Callable[[Any], None] | None, what: Any) -> None:
    """Call one function, if there is one."""
    if function is not None:
        try:
            function(what)
        except Exception:
            logging.exception("TTAUncertainty: a listener to a run failed")


class Holds(dict[str, float]):
    """Seconds that each kind of step held up Slicer at most, by name."""

    @contextlib.contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Time a step."""
        began = time.monotonic()
        yield
        self.note(name, time.monotonic() - began)

    def note(self, name: str, seconds: float) -> None:
        """Note a step that was timed elsewhere; the log hears of a long one."""
        self[name] = max(seconds, self.get(name, 0.0))
        if seconds > LONG_HOLD_S:
            logging.info("TTAUncertainty: %s took %.0f ms", name, seconds * 1e3)
