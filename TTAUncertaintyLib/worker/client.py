"""A worker as a process: starting it, hearing it, signalling it, and cleaning up after it.

Nothing here waits: two threads listen, and whoever holds the process looks at what they heard.
What the messages mean is the business of `run`.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from ..results import clear_up_after
from .environment import clean_environment, own_group
from .job import Job
from .messages import LineReader, Message

#: The file to start: by path, since the library need not be importable in the child.
WORKER_FILE = Path(__file__).with_name("__main__.py")

#: How many of the last lines are kept of what the process printed.
LOG_LINES = 200


class NoTemporaryFolder(OSError):  # noqa: N818  (the system's error, told where it came from)
    """There is no folder for temporary files that can be written to."""


class WorkerProcess:
    """A worker's process.

    Parameters
    ----------
    job
        What it is to do.
    python
        The interpreter; needs torch, numpy and SimpleITK.
    environment
        Where its environment begins; this process's if None. See `clean_environment`.

    Raises
    ------
    OSError
        If the job file cannot be written or the interpreter cannot be started. Nothing is left
        behind then.
    """

    def __init__(
        self,
        job: Job,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.job = job
        #: Grows with everything that the process prints.
        self.bytes_heard = 0
        self._messages: deque[Message] = deque()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="ttauncertainty-"))
        except OSError as error:
            raise NoTemporaryFolder(error.errno, error.strerror) from error
        try:
            job_file = self._folder / "job.json"
            job_file.write_text(job.to_json(), encoding="ascii")
            self._process = subprocess.Popen(
                [python, "-u", str(WORKER_FILE), str(job_file), "--stdin", "--remove-job"],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean_environment(environment),
                **own_group(),
            )
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        # Slicer's Python is started by a launcher: the process that works may be another one
        self._working_pids = {self._process.pid}
        messages = LineReader(self._log.append)
        self._readers = [
            self._listen(self._process.stdout, lambda text: self._hear(messages.feed(text))),
            self._listen(self._process.stderr, _line_keeper(self._log)),
        ]

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """How it ended: its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def heard_all(self) -> bool:
        """Whether nothing more can be heard, since its outputs are closed."""
        return not any(reader.is_alive() for reader in self._readers)

    @property
    def log(self) -> str:
        """The last lines of what it printed, messages aside."""
        return "\n".join(self._log.copy())

    def drain(self) -> list[Message]:
        """Return the messages since the last call."""
        return [self._messages.popleft() for _ in range(len(self._messages))]

    def ask(self, word: str) -> None:
        """Ask it to "stop" (and keep what there is) or to "cancel"."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(f"{word}\n".encode("ascii"))

    def terminate(self) -> None:
        """Tell the whole group to end; it may still clean up where the system has such a signal."""
        self._end_group(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole group at once."""
        self._end_group(getattr(signal, "SIGKILL", signal.SIGTERM))

    def clean_up(self, seconds: float = 0.5) -> None:
        """After the end: close the pipes, remove the job file and what was half written.

        What is left of the group goes too: the launcher of Slicer's Python may have died without
        the Python that it started.

        Parameters
        ----------
        seconds
            How long to wait for the outputs to end.
        """
        self.kill()
        for reader in self._readers:
            reader.join(seconds)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            # a stream that a thread still reads is left to that thread
            if stream is not None and (stream is self._process.stdin or self.heard_all):
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        for pid in self._working_pids:
            clear_up_after(pid, self.job.output)

    def _end_group(self, number: int) -> None:
        if self._process.poll() is not None and sys.platform == "win32":
            return
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                subprocess.Popen(
                    ["taskkill", "/F", "/T", "/PID", str(self.pid)],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    **own_group(),
                )
            else:
                os.killpg(self.pid, number)

    def _hear(self, messages: list[Message]) -> None:
        for message in messages:
            if message["type"] == "started" and isinstance(message.get("pid"), int):
                self._working_pids.add(message["pid"])
            self._messages.append(message)

    def _listen(self, stream: IO[bytes] | None, take: Callable[[str], None]) -> threading.Thread:
        def listen() -> None:
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            with contextlib.suppress(OSError, ValueError):
                while stream is not None and (chunk := stream.read(1 << 16)):
                    self.bytes_heard += len(chunk)
                    take(decoder.decode(chunk))
            take("\n")  # what came without an end of line is a line too

        thread = threading.Thread(target=listen, name="TTAUncertainty worker", daemon=True)
        thread.start()
        return thread


def _line_keeper(lines: deque[str]) -> Callable[[str], None]:
    """Return a function that takes fragments of text and appends their lines."""
    reader = LineReader(lines.append, messages=False)

    def keep(text: str) -> None:
        reader.feed(text)

    return keep
