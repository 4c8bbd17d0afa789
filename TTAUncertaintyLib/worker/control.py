"""How a worker is given work and asked to stop, and how it notices that nobody is left to ask.

"stop" ends after the current pass and keeps what there is; "cancel" ends now and keeps nothing.
Both come as a line on standard input or as the content of a file. A line "job", followed by the
job's JSON, gives the next job. The end of standard input, or the death of the parent process,
means cancel, and leave.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.5

#: Seconds that a process waits for its next job, and between two looks at the memory meanwhile.
IDLE_S, _LOOK_S = 600.0, 2.0


class Control:
    """Watches for jobs and requests in threads of its own.

    Cancelling raises KeyboardInterrupt in the main thread, so that every `finally` on the way out
    cleans up, wherever the job is; between two jobs there is nothing to cancel.

    Parameters
    ----------
    stdin
        Take jobs and requests from standard input.
    """

    def __init__(self, stdin: bool = False, file: Path | None = None) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._at_work = False
        self._cancelled = False
        self._file = file
        #: Whether there will be no next job: somebody asked the process to end, or nobody is left.
        self.leaving = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        if stdin:
            threading.Thread(target=self._watch_stdin, daemon=True).start()
        threading.Thread(
            target=self._watch_file_and_parent, args=(os.getppid(),), daemon=True
        ).start()

    @property
    def stop_requested(self) -> bool:
        """Whether to end after the current pass and keep what there is."""
        return self._stop.is_set()

    def request(self, line: str) -> None:
        """Act on "stop", "cancel" or "job ..."; anything else is ignored."""
        word, _, rest = line.partition(" ")
        with self._lock:
            if word == "job":  # requests are about the job that was given last
                self._stop.clear()
                self._cancelled = False
                self._jobs.put(rest)
            elif word == "stop":
                self._stop.set()
            elif word == "cancel" and not self._cancelled:
                self._cancelled = True
                if self._at_work:
                    _thread.interrupt_main()

    def next_job(self) -> str | None:
        """Wait for a job and return its JSON; None when it is time to leave.

        That is after ten idle minutes, when the computer's memory is wanted by others, or when
        nobody is left who could give a job.
        """
        patience = time.monotonic() + IDLE_S
        while not self.leaving:
            with contextlib.suppress(queue.Empty):
                return self._jobs.get(timeout=_LOOK_S)
            if time.monotonic() > patience or memory_is_wanted():
                break
        return None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let "cancel" raise KeyboardInterrupt in here, and nowhere else."""
        try:
            with self._lock:
                self._at_work = True
                cancelled = self._cancelled
            if cancelled:
                raise KeyboardInterrupt
            yield
        finally:
            self._at_work = False

    def _on_signal(self, number: int, _frame: object) -> None:
        if number == signal.SIGTERM or not self._cancelled:  # not our own `interrupt_main`
            self._leave()
        if self._at_work:
            raise KeyboardInterrupt

    def _leave(self) -> None:
        self.leaving = True
        self._jobs.put(None)  # wakes who waits for a job

    def _watch_stdin(self) -> None:
        for line in sys.stdin:
            self.request(line.strip())
        self._leave()
        self.request("cancel")

    def _watch_file_and_parent(self, parent: int) -> None:
        while True:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self.request(self._file.read_text(encoding="ascii", errors="replace").strip())
            if os.getppid() != parent:
                self._leave()
                self.request("cancel")
            time.sleep(_POLL_SECONDS)


#: A waiting process gives its memory back where less than this share of all is available.
LEAST_AVAILABLE = 0.1

_MEMINFO = Path("/proc/meminfo")


def memory_is_wanted() -> bool:
    """Tell whether memory runs short; where that cannot be told, it does not."""
    available = available_memory()
    return available is not None and available < LEAST_AVAILABLE


def available_memory() -> float | None:
    """Return the share of the computer's memory that programs could have, 0 to 1.

    Returns
    -------
    float or None
        None where the system does not say (macOS has no such figure).
    """
    if sys.platform == "win32":
        import ctypes

        # MEMORYSTATUSEX: two DWORDs, the second the load in per cent, and seven 64-bit sizes
        status = (ctypes.c_uint32 * 16)(64)
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return None
        return 1 - status[1] / 100
    try:
        lines = [x.split() for x in _MEMINFO.read_text(encoding="ascii").splitlines()]
        kilobytes = {name: int(number) for name, number, *_unit in lines}
        return kilobytes["MemAvailable:"] / kilobytes["MemTotal:"]
    except (OSError, ValueError, KeyError, IndexError, ZeroDivisionError):
        return None
