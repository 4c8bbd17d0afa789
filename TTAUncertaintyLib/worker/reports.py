"""The report of a result that is in somebody's hands by now, written beside whatever comes next."""

from __future__ import annotations

import ctypes
import gc
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .messages import REPORT, Voice

if TYPE_CHECKING:
    from .job import Job
    from .perform import Done

#: Seconds between two looks while waiting for one.
_LOOK_S = 0.05


class Reports:
    """Writes reports, one at a time, each in a thread, and says when it is over.

    A report comes whole or not at all; where it does not come, it can be made later.

    Parameters
    ----------
    stream
        Takes the messages.
    leaving
        Tells whether the process was asked to end: no report is waited for then.
    """

    def __init__(self, stream: TextIO, leaving: Callable[[], bool]) -> None:
        self._stream = stream
        self._leaving = leaving
        self._thread: threading.Thread | None = None
        self._given_up = False
        self._stands_beside: Callable[[Job], bool] = lambda _job: True

    @property
    def under_way(self) -> bool:
        """Whether one is being written."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, done: Done) -> None:
        """Begin with the report of a job that is done."""
        self.wait()
        self._given_up, self._stands_beside = False, done.stands_beside()
        # in a list, so that nothing else holds what is as large as the images; and a thread that
        # Python waits for at its end, since it may be inside a library
        self._thread = threading.Thread(target=self._write, args=([done],), name="report")
        self._thread.start()

    def make_way_for(self, job: Job) -> None:
        """Wait where a job cannot go on beside the report."""
        if not self._stands_beside(job):
            self.wait()

    def wait(self) -> None:
        """Wait until it is over; where that is interrupted, it goes on."""
        while self._thread is not None and self._thread.is_alive():
            if self._leaving():
                self.give_up()
            self._thread.join(_LOOK_S)

    def give_up(self) -> None:
        """Let it be: nothing is left of it as soon as the library that it is in returns."""
        if self._thread is not None and self._thread.ident is not None and not self._given_up:
            self._given_up = True  # a second time might be in the middle of clearing up
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident), ctypes.py_object(KeyboardInterrupt)
            )

    def say_over(self, folder: Path, made: bool) -> None:
        """Say that the report of a result is over."""
        Voice(self._stream).say(REPORT, output=str(folder), made=made)

    def _write(self, held: list[Done]) -> None:
        from .between_jobs import give_memory_back

        done, made = held.pop(), False
        folder = done.folder
        try:
            made = done.write_report()
        except KeyboardInterrupt:
            pass
        except Exception:
            traceback.print_exc()
        del done
        gc.collect()
        give_memory_back()
        self.say_over(folder, made)
