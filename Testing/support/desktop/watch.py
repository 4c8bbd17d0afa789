"""How long Qt's event loop is held up: what a person feels as a panel that does not answer."""

from __future__ import annotations

import time


class EventLoopWatch:
    """A timer that should fire every few milliseconds, and notes when it did not.

    Use it as a context manager around code that processes events. A gap is the time between two
    firings; without any load it is the timer's own interval. Time before the loop first runs
    counts too.

    Parameters
    ----------
    interval_ms
        How often the timer should fire.

    Attributes
    ----------
    gaps_ms
        Every gap.
    busy_ms
        The processor time that this thread used in each: what is left of a gap on a computer that
        has nothing else to do.
    """

    def __init__(self, interval_ms: int = 5) -> None:
        import qt  # PythonQt's or the harness's, which has to be there first

        self.gaps_ms: list[float] = []
        self.busy_ms: list[float] = []
        self._timer = qt.QTimer()
        self._timer.setTimerType(qt.Qt.PreciseTimer)
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self._fired)
        self._last = self._used = 0.0

    @property
    def longest_ms(self) -> float:
        """The longest gap, in milliseconds."""
        return max(self.gaps_ms, default=0.0)

    def over(self, limit_ms: float) -> list[float]:
        """Return the gaps that are longer than a limit, in milliseconds."""
        return [gap for gap in self.gaps_ms if gap > limit_ms]

    def _fired(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self.gaps_ms.append((now - self._last) * 1e3)
        self.busy_ms.append((used - self._used) * 1e3)
        self._last, self._used = now, used

    def __enter__(self) -> EventLoopWatch:
        self._last, self._used = time.perf_counter(), time.thread_time()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        self._fired()
