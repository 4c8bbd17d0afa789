"""A download that somebody watches: polled from a timer, stopped at any time.

A thread brings the file here, has it checked and adopts it; it touches nothing of whoever watches,
and nothing that goes wrong in it gets lost: the state says it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from ..errors import TTAUncertaintyError
from .record import Record

#: Over how long the speed is averaged.
_WINDOW_S = 5.0


@dataclass(frozen=True)
class Progress:
    """How far a file has come; `total_bytes` is 0 where the publisher does not say."""

    done_bytes: int
    total_bytes: int


class DownloadPhase(Enum):
    """Where a download stands."""

    DOWNLOADING = "downloading"
    CHECKING = "checking"
    INSTALLED = "installed"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self in (DownloadPhase.INSTALLED, DownloadPhase.STOPPED, DownloadPhase.FAILED)


@dataclass(frozen=True)
class DownloadState:
    """What there is to show of a download."""

    phase: DownloadPhase = DownloadPhase.DOWNLOADING
    #: How far it is; the total is 0 where the publisher does not say.
    done_bytes: int = 0
    total_bytes: int = 0
    #: None where it cannot be known.
    seconds_left: float | None = None
    #: What went wrong and what to do; empty if nothing did.
    problem: str = ""
    remedy: str = ""
    #: The installed file, at the end of a download that went well.
    file: Path | None = None

    @property
    def fraction(self) -> float:
        """Share that is here, 0 to 1; 0 where the total is not known."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0


class Download:
    """One download; begins at once.

    Parameters
    ----------
    bring
        Brings the file here: called with what to report progress to and what says whether to
        stop; returns whether it is whole.
    adopt
        Checks it and puts it where it belongs; returns its record and path.
    """

    def __init__(
        self,
        bring: Callable[[Callable[[Progress], None], Callable[[], bool]], bool],
        adopt: Callable[[], tuple[Record, Path]],
    ) -> None:
        self._bring = bring
        self._adopt = adopt
        self._stop = threading.Event()
        self._state = DownloadState()
        self._marks: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._work, name="weights download", daemon=True)
        self._thread.start()

    @property
    def state(self) -> DownloadState:
        """How it stands now; never blocks."""
        return self._state

    def cancel(self) -> None:
        """Stop bringing it here; returns at once, and what came is kept for the next time.

        A file that has come whole is still checked and adopted.
        """
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> DownloadState:
        """Wait for the end, or as long as is said; return how it stands."""
        self._thread.join(timeout_s)
        return self._state

    def _work(self) -> None:
        try:
            if not self._bring(self._report, self._stop.is_set):
                self._state = replace(self._state, phase=DownloadPhase.STOPPED, seconds_left=None)
                return
            self._state = replace(self._state, phase=DownloadPhase.CHECKING, seconds_left=None)
            _, file = self._adopt()
            self._state = replace(self._state, phase=DownloadPhase.INSTALLED, file=file)
        except TTAUncertaintyError as error:
            self._fail(error.problem, error.remedy)
        except Exception as error:  # nobody else would ever hear of it
            self._fail(f"The download failed unexpectedly ({error!r}).", "Please report this.")

    def _fail(self, problem: str, remedy: str) -> None:
        self._state = replace(
            self._state,
            phase=DownloadPhase.FAILED,
            seconds_left=None,
            problem=problem,
            remedy=remedy,
        )

    def _report(self, progress: Progress) -> None:
        now = time.monotonic()
        self._marks = [mark for mark in self._marks if now - mark[0] < _WINDOW_S]
        self._marks.append((now, progress.done_bytes))
        began, earlier = self._marks[0]
        left = None
        if progress.total_bytes and progress.done_bytes > earlier and now > began:
            speed = (progress.done_bytes - earlier) / (now - began)
            left = (progress.total_bytes - progress.done_bytes) / speed
        self._state = replace(
            self._state,
            done_bytes=progress.done_bytes,
            total_bytes=progress.total_bytes,
            seconds_left=left,
        )
