"""The other end: starting a worker, hearing it, stopping it, and leaving nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from ..results import partial_folder
from .job import Job
from .messages import ENDINGS, Message, parse

#: The file to start: by path, since the library need not be importable in the child.
WORKER_FILE = Path(__file__).with_name("__main__.py")

#: Seconds that a worker has to end after being asked, and after being terminated.
_PATIENCE_S = (3.0, 1.0)


class WorkerProcess:
    """A running worker. Use as a context manager: on leaving, the process is gone.

    Parameters
    ----------
    job
        What it is to do.
    python
        The interpreter; needs torch, numpy and SimpleITK.
    """

    def __init__(self, job: Job, python: str = sys.executable) -> None:
        self.job = job
        self._folder = Path(tempfile.mkdtemp(prefix="ttauncertainty-"))
        job_file = self._folder / "job.json"
        job_file.write_text(job.to_json(), encoding="utf-8")
        self._process = subprocess.Popen(
            [python, "-u", str(WORKER_FILE), str(job_file), "--stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # a group of its own: Ctrl-C in a terminal is ours to handle
        )
        self._log: deque[str] = deque(maxlen=50)
        self._log_reader = threading.Thread(target=self._keep_log, daemon=True)
        self._log_reader.start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """The last lines of its standard error."""
        return "\n".join(self._log)

    def messages(self) -> Iterator[Message]:
        """Yield what it says; always ends with a message of an ending type.

        Where the worker ended without one (it crashed or was killed), a `failed` message is made
        up that says so.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = parse(line)
            if message is None:
                self._log.append(line.rstrip())
                continue
            yield message
            if message["type"] in ENDINGS:
                self._process.wait()
                return
        status = self._process.wait()
        self._log_reader.join(1)
        yield {"type": "failed", "exit_code": 6} | _explain(status, self.log)

    def ask(self, word: str) -> None:
        """Ask it to "stop" (and keep what there is) or to "cancel"."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(word + "\n")
                self._process.stdin.flush()

    def cancel(self) -> None:
        """End it, whatever it takes: ask, then terminate, then kill; at most five seconds."""
        if not self._gone(0):
            self.ask("cancel")
        if not self._gone(_PATIENCE_S[0]):
            self._signal(signal.SIGTERM)
        if not self._gone(_PATIENCE_S[1]):
            self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.wait()
        shutil.rmtree(partial_folder(self.job.output, self.pid), ignore_errors=True)

    def __enter__(self) -> WorkerProcess:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process if it still runs, and remove the job file."""
        self.cancel()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _gone(self, patience: float) -> bool:
        """Wait up to some seconds for the process to end; tell whether it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        return self._process.returncode is not None

    def _signal(self, number: int) -> None:
        """Signal the worker's whole group."""
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(self.pid, number)
            else:
                self._process.terminate()

    def _keep_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line.rstrip())


def _explain(status: int, log: str) -> dict[str, str]:
    """Say in words how a process ended that left no last message."""
    last = f" Its last words: {log.splitlines()[-1]}" if log else ""
    if status == -9:
        return {
            "problem": "The background process was killed, most likely because the computer ran "
            f"out of memory.{last}",
            "remedy": "Close other programs or use a network with a coarser lattice.",
        }
    return {
        "problem": f"The background process ended unexpectedly (status {status}).{last}",
        "remedy": "Run it again; if it happens again, report it with the log.",
    }
