"""A worker as a process: starting it, hearing it, signalling it, and cleaning up after it.

Nothing here waits: two threads listen, and whoever holds the process looks at what they heard.
What the messages mean is the business of `run`.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from ..results import clear_up_after
from ..results.files import RECORD_FILE, REPORT_FILE, REPORT_PARTIAL
from .environment import own_group
from .job import Job
from .messages import IDLE, REPORT, LineReader, Message, parse

#: The file to start: by path, since the library need not be importable in the child.
WORKER_FILE = Path(__file__).with_name("__main__.py")

#: How many of the last lines are kept of what the process printed.
LOG_LINES = 200


class WorkerProcess:
    """A worker's process, which does a job, and others after it if it is to stay.

    Parameters
    ----------
    python
        The interpreter; needs torch, numpy and SimpleITK.
    stay
        Whether to wait for another job after the first.

    Raises
    ------
    OSError
        If the interpreter cannot be started.
    """

    def __init__(self, python: str, environment: Mapping[str, str], stay: bool = False) -> None:
        #: Grows with everything that the process prints.
        self.bytes_heard = 0
        #: Whether it did a job before this one.
        self.experienced = False
        self._reports_owed: set[str] = set()  # results that are handed over, by their folders
        self._reports_lost: set[str] = set()
        self._output: Path | None = None
        self._messages: deque[Message] = deque()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._lines = LineReader(self._log.append)
        self._idle: set[str] = set()  # on which of its two outputs it said so
        self._process = subprocess.Popen(
            [python, "-u", str(WORKER_FILE), "--stdin", *(["--stay"] if stay else [])],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            **own_group(),
        )
        # Slicer's Python is started by a launcher: the process that works may be another one
        self._working_pids = {self._process.pid}
        self._readers = [
            self._listen(self._process.stdout, self._hear),
            self._listen(self._process.stderr, LineReader(self._keep, messages=False).feed),
        ]

    def begin(self, job: Job) -> None:
        """Give it a job: its first one, or another one when it is `idle`."""
        self.experienced = self._output is not None
        self._output = job.output
        self._messages.clear()
        self._log.clear()
        self._idle.clear()
        self.ask(f"job {job.to_json(indent=None)}")

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """How it ended: its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def idle(self) -> bool:
        """Whether its job is over and all that was said of it is heard: it waited for another."""
        return len(self._idle) == 2

    @property
    def heard_all(self) -> bool:
        """Whether nothing more can be heard, since its outputs are closed."""
        return not any(reader.is_alive() for reader in self._readers)

    @property
    def log(self) -> str:
        """The last lines of what it printed, messages aside."""
        return "\n".join(self._log.copy())

    def owes_report(self, output: Path) -> bool:
        """Tell whether the report of a finished job is still to be written."""
        return self.status is None and str(output.absolute()) in self._reports_owed

    def take_lost_reports(self) -> list[Path]:
        """Return the results, each once, whose report did not come, and will not."""
        lost, self._reports_lost = self._reports_lost, set()
        return [
            folder
            for folder in map(Path, sorted(lost))
            if (folder / RECORD_FILE).is_file() and not (folder / REPORT_FILE).is_file()
        ]

    def succeed(self, other: WorkerProcess) -> None:
        """Take over from one that is over what is still to be told of it."""
        self._reports_lost |= other._reports_lost

    def drain(self) -> list[Message]:
        """Return the messages since the last call."""
        return [self._messages.popleft() for _ in range(len(self._messages))]

    def ask(self, word: str) -> None:
        """Ask it to "stop" (and keep what there is) or to "cancel", or give it a "job"."""
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
        """After the end: close the pipes, and remove what was half written.

        What is left of the group goes too: the launcher of Slicer's Python may have died without
        the Python that it started.
        """
        self.kill()
        for reader in self._readers:
            reader.join(seconds)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            # a stream that a thread still reads is left to that thread
            if stream is not None and (stream is self._process.stdin or self.heard_all):
                with contextlib.suppress(OSError):
                    stream.close()
        if self._output is not None:
            for pid in self._working_pids:
                clear_up_after(pid, self._output)
        for folder in self._reports_owed:
            with contextlib.suppress(OSError):
                (Path(folder) / REPORT_PARTIAL).unlink(missing_ok=True)
        self._reports_lost |= self._reports_owed
        self._reports_owed = set()

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

    def _hear(self, text: str) -> None:
        for message in self._lines.feed(text):
            if message["type"] == "started" and isinstance(message.get("pid"), int):
                self._working_pids.add(message["pid"])
            if message["type"] == IDLE:
                self._idle.add("messages")
            elif message["type"] == REPORT:  # it may be that of the job before
                folder = str(message.get("output"))
                self._reports_owed.discard(folder)
                if message.get("made") is not True:
                    self._reports_lost.add(folder)
            else:
                if message["type"] == "finished":
                    self._reports_owed.add(str(message.get("output")))
                self._messages.append(message)

    def _keep(self, line: str) -> None:
        """Keep a line of standard error."""
        message = parse(line) if line.startswith("{") else None
        if message is not None and message["type"] == IDLE:
            self._idle.add("log")
        else:
            self._log.append(line)

    def _listen(self, stream: IO[bytes] | None, take: Callable[[str], object]) -> threading.Thread:
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
