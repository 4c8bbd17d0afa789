"""A background process that stays between runs, with torch and its last network loaded."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .client import WorkerProcess
from .environment import clean_environment
from .job import Job
from .run import Run


class Worker:
    """Gives runs that share one process, which stays for the next.

    The process is started with the first run. It leaves by itself after ten idle minutes, when the
    computer's memory is wanted, and with the process that started it, however that ends. A run
    that it does not survive (a crash, a cancelled pass that does not end, somebody's own code)
    costs that process; the next run starts another one. One that begins while another goes on gets
    a process of its own, for that run alone.

    May be used from several threads, and in a forked process, which starts its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing = _Standing()
        self._run: weakref.ref[Run] | None = None
        # when this is forgotten, and when Python ends
        self._end = weakref.finalize(self, self._standing.end)

    def run(
        self,
        job: Job,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        silence_s: float = 60.0,
    ) -> Run:
        """Begin a run; parameters are those of `Run`.

        The process that stays is another one as soon as the interpreter, the environment or the
        working folder, from which relative paths go, is another one.
        """
        with self._lock:
            before = None if self._run is None else self._run()
            if before is not None and not before.state.ended:
                return Run(job, python, environment, silence_s)
            how = _How(python, clean_environment(environment), _working_folder(), os.getpid())
            run = Run(job, python, environment, silence_s, partial(self._process, how))
            self._run = weakref.ref(run)
            return run

    def close(self) -> None:
        """End the process at once, whatever it does; the next run would start another one."""
        self._standing.end()

    def _process(self, how: _How) -> WorkerProcess:
        """Return a process that waits for a job: the one that stays, or a new one in its place."""
        standing = self._standing
        process = standing.process
        if process is not None and standing.how == how and process.idle and process.status is None:
            return process
        standing.end()
        standing.process = new = WorkerProcess(how.python, how.environment, stay=True)
        standing.how = how
        if process is not None:
            new.succeed(process)
        return new


@dataclass(frozen=True)
class _How:
    """What a process was started with."""

    python: str
    environment: dict[str, str]
    folder: str
    parent: int


@dataclass
class _Standing:
    """The process that stays, apart from its `Worker`, so that it can be ended after that."""

    process: WorkerProcess | None = None
    how: _How | None = None

    def end(self) -> None:
        process, self.process = self.process, None
        if process is not None and self.how is not None and self.how.parent == os.getpid():
            process.clean_up()


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it is gone
        return ""
