"""A single run as a guest on a worker of a cluster: the end of it that lies there.

The scheduler gives it a thread for as long as it goes on. Its client speaks to it past the tasks,
by `call`, so that neither images nor result are ever data of the scheduler's. They lie in a private
folder of the worker, which goes with the run, whatever ends it; where the worker itself is killed,
with the next one that starts there.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..version import __version__
from .job import Job
from .messages import Message
from .run import Run
from .state import Phase, RunState
from .worker import Worker

#: Seconds between two looks at the run.
_LOOK_S = 0.05

_GUESTS: dict[str, _Guest] = {}
_WORKER = Worker()


def host(key: str, version: str, silence_s: float) -> None:
    """Be the place of a run; the task of the scheduler.

    Parameters
    ----------
    key
        What `call` knows it by.
    version
        Of the client, which speaks of jobs as its version does.
    silence_s
        A client that does not call for so long is gone: the run ends, and everything with it.
    """
    from distributed import get_worker

    with tempfile.TemporaryDirectory(
        prefix="ttauncertainty-", dir=get_worker().local_directory, ignore_cleanup_errors=True
    ) as folder:
        task = get_worker().state.tasks[key]
        # a task whose client has gone is cancelled, and its thread goes on
        guest = _Guest(Path(folder), silence_s, lambda: task.state == "executing")
        _GUESTS[key] = guest
        if version != __version__:
            guest.refuse(f"{platform.node()} has version {__version__}, and not {version}.")
        try:
            guest.stay()
        finally:
            del _GUESTS[key]


def call(key: str, what: str, *arguments: Any) -> Any:
    """Call a method of a run; None while it has not begun, or when it is over.

    What goes wrong is returned: a worker would write what it was called with into its log.
    """
    guest = _GUESTS.get(key)
    if guest is None:
        return None
    try:
        return getattr(guest, what)(*arguments)
    except Exception as error:
        return error


class _Guest:
    """A run; its methods up to `leave` are its client's, and take no time."""

    def __init__(self, folder: Path, silence_s: float, is_asked: Callable[[], bool]) -> None:
        self._folder = folder
        self._is_asked = is_asked
        self._silence_s = silence_s
        self._called_at = time.monotonic()
        self._left = False
        self._job: Job | None = None
        self._wishes: deque[str] = deque()
        self._messages: deque[Message] = deque()
        self._state: RunState | None = None  # once it is over

    def place(self) -> str:
        """Return the folder that files are put into."""
        self._called_at = time.monotonic()
        return str(self._folder)

    def put(self, name: str, data: bytes) -> None:
        """Append to a file."""
        self._called_at = time.monotonic()
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(data)

    def begin(self, job: str) -> None:
        """Begin with a job of files that were put here."""
        self._job = Job.from_json(job)

    def ask(self, word: str) -> None:
        """Ask to "stop" and keep what there is."""
        self._wishes.append(word)

    def hear(self) -> tuple[list[Message], RunState | None]:
        """Return what was said since the last time; and the end of the run, when it is over."""
        self._called_at = time.monotonic()
        over = self._state
        return [self._messages.popleft() for _ in range(len(self._messages))], over

    def listed(self, name: str) -> list[tuple[str, int]]:
        """Return the files in a folder, each with its size."""
        files = sorted(path for path in (self._folder / name).rglob("*") if path.is_file())
        return [(path.relative_to(self._folder).as_posix(), path.stat().st_size) for path in files]

    def read(self, name: str, offset: int, count: int) -> bytes:
        """Return a part of a file."""
        self._called_at = time.monotonic()
        with (self._folder / name).open("rb") as stream:
            stream.seek(offset)
            return stream.read(count)

    def leave(self) -> None:
        """End it, if it goes on, and remove everything."""
        self._left = True

    def refuse(self, why: str) -> None:
        """End before anything was put here."""
        remedy = "Install the same version on both."
        self._state = RunState(Phase.FAILED, problem=why, remedy=remedy, exit_code=2)

    # in the thread of the task

    def stay(self) -> None:
        """Do the run, and wait until its result was taken away."""
        while self._job is None and self._state is None and self._is_wanted:
            time.sleep(_LOOK_S)
        if self._job is not None and self._is_wanted:
            with _WORKER.run(self._job) as run:
                self._watch(run)
        while self._is_wanted:
            time.sleep(_LOOK_S)

    def _watch(self, run: Run) -> None:
        run.on_message = self._messages.append
        while not (state := run.poll()).ended and self._is_wanted:
            if self._wishes and self._wishes.popleft() == "stop":
                run.stop_and_keep()
            time.sleep(_LOOK_S)
        if state.output is not None:
            run.wait_for_report()
        self._state = state

    @property
    def _is_wanted(self) -> bool:
        silence_s = time.monotonic() - self._called_at
        return not self._left and silence_s < self._silence_s and self._is_asked()
