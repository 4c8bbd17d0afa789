"""A run in the background, for whoever has something else to do meanwhile.

A panel calls `poll` from a timer and shows the state that it returns; a script calls `wait`.
Knows neither Qt nor Slicer, and needs no torch.

    with Run(job) as run:
        while not run.poll().ended:
            ...
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

from ..strict_json import Mended, NotAllowed, OrNan, read_as
from .client import WorkerProcess
from .endings import cannot_start, explain, hung, lost_report
from .environment import clean_environment
from .job import Job
from .messages import ENDINGS, Message
from .previews import remove_previews
from .state import Phase, Preview, RunState, StandardError

__all__ = ["Phase", "Preview", "Run", "RunState"]

#: Seconds that a worker has to end after being asked, and then after being terminated.
ASKED_S, TERMINATED_S = 3.0, 1.0

#: Seconds that a worker has to leave after its last message, or after a result whose report it
#: still writes, and that its outputs have to close after it.
_LEAVING_S, _REPORT_S, _CLOSING_S = 5.0, 120.0, 0.5

#: Seconds between two looks while waiting.
_LOOK_S = 0.02


class Run:
    """One run of a worker. Use as a context manager: on leaving, it is over.

    Its process is gone then, unless it is one that stays (see `Worker`). Starting does not raise:
    what goes wrong is told by the state.

    Parameters
    ----------
    environment
        Where its environment begins; this process's if None. See `clean_environment`.
    silence_s
        A worker that says nothing at all for this long has hung, and is killed.
    process
        Gives the process for the job, which waits for one; starts one of its own if None.
    """

    def __init__(
        self,
        job: Job,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        silence_s: float = 60.0,
        process: Callable[[], WorkerProcess] | None = None,
    ) -> None:
        self.job = job
        #: What was known at the last `poll`.
        self.state = RunState()
        #: Hears every message as it is taken in.
        self.on_message: Callable[[Message], object] = lambda _message: None
        self._silence_s = silence_s
        self._began = self._polled = time.monotonic()
        self._silent_s = 0.0
        self._heard = 0
        self._left_at = 0.0  # when `left_s` was told
        self._left: float | None = None
        self._end: dict[str, Any] | None = None  # changes to the state that the end brings
        self._steps: list[float] = []  # when it was asked to cancel, terminated, killed
        self._killed_at: float | None = None
        self._said_last_at: float | None = None
        self._gone_at: float | None = None
        self._cleaner: threading.Thread | None = None
        self._process: WorkerProcess | None = None
        self._python = python
        self._take_process = process or partial(
            WorkerProcess, python, clean_environment(environment)
        )
        self._begin()

    def _begin(self) -> None:
        self._started = False
        try:
            self._process = self._take_process()
        except OSError as error:
            self.state = replace(self.state, **cannot_start(self._python, error))
        else:
            self._tell_of_reports(self._process)
            self._process.begin(self.job)

    @property
    def pid(self) -> int | None:
        """The process; None if it could not be started."""
        return None if self._process is None else self._process.pid

    def poll(self) -> RunState:
        """Take in what was heard since the last call and return the state; never waits.

        It also sees to the end: a cancelled worker that does not go is terminated, then killed.
        """
        process = self._process
        if process is None or self.state.ended:
            return self.state
        now = time.monotonic()
        idle = process.idle  # asked first: all of its messages are there to be taken in then
        for message in process.drain():
            try:
                self._take(message, now)
            except NotAllowed:
                continue  # not one of ours, whatever it is
        heard = process.bytes_heard
        log = self.state.log if heard == self._heard else process.log
        self._silent_s = self._silent_s + self._passed(now) if heard == self._heard else 0.0
        self._heard, self._polled = heard, now
        left = self._left
        self._change(
            elapsed_s=now - self._began,
            left_s=None if left is None else max(0.0, left - (now - self._left_at)),
            log=log,
        )
        if idle:
            self._be_over(process)
        elif process.status is None:
            self._hurry(process, now)
        elif process.experienced and not self._started and not self.state.cancelling:
            self._begin()  # it left, as it does after a while, while the job was on its way
        else:
            self._settle(process, now)
        return self.state

    def stop_and_keep(self) -> None:
        """Ask it to end after the current pass and keep what there is; returns at once."""
        if self._process is not None and not self.state.ended and not self.state.stopping:
            self._process.ask("stop")
            self._change(stopping=True)

    def cancel(self) -> None:
        """Ask it to end now and keep nothing; returns at once, and `poll` sees it through."""
        if self._process is not None and not self.state.ended and not self.state.cancelling:
            self._process.ask("cancel")
            self._steps.append(time.monotonic())
            self._change(cancelling=True)

    def wait(self, timeout_s: float | None = None) -> RunState:
        """Wait until it is over, or for some seconds, and return the state."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.poll().ended and (end is None or time.monotonic() < end):
            time.sleep(_LOOK_S)
        return self.state

    def wait_for_report(self, timeout_s: float = _REPORT_S) -> None:
        """After a finished run: wait until its report is written too, or is not going to be."""
        process, end = self._process, time.monotonic() + timeout_s
        while process is not None and process.owes_report(self.job.output):
            if time.monotonic() > end:
                return
            time.sleep(_LOOK_S)

    def close(self) -> None:
        """End it, whatever it takes, within five seconds, and remove what it left behind.

        The result of a finished run stays; previews go. May be called again.
        """
        self.cancel()
        if not self.wait(ASKED_S + TERMINATED_S + 0.9).ended and self._process is not None:
            self._process.kill()  # its outputs are still open somewhere, or the disk is very slow
            self._process.clean_up()
        if self.job.previews is not None:
            remove_previews(self.job.previews)

    def __enter__(self) -> Run:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _change(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def _passed(self, now: float) -> float:
        """Return the time since the last look, as far as it counts as the worker's silence.

        A computer that was asleep, or a client that was busy itself, says nothing about the
        worker: one long gap is not held against it.
        """
        return min(now - self._polled, self._silence_s / 4)

    def _take(self, message: Message, now: float) -> None:
        """Take in one message."""
        kind = message["type"]
        self.on_message(message)
        if kind == "started":
            self._started = True
        elif kind == "phase":
            self._change(phase=read_as(_PhaseSaid, message, others=True).phase)
        elif kind == "progress":
            made = read_as(_Progress, message, others=True)
            self._left, self._left_at = made.left_s, now
            self._change(
                phase=self._next_phase(made.phase),
                done=made.done,
                total=made.total,
                device=made.device,
                standard_error=made.standard_error,
            )
        elif kind == "note":
            self._change(notes=(*self.state.notes, read_as(_Note, message, others=True).text))
        elif kind == "preview" and self.job.previews is not None:
            shown = read_as(_PreviewSaid, message, others=True)
            preview = Preview(self.job.previews, shown.perturbed, shown.total, shown.warped)
            self._change(preview=preview)
        elif kind == "finished":
            end = read_as(_Finished, message, others=True)
            self._end = {"phase": Phase.FINISHED, "exit_code": 0} | vars(end)
        elif kind == "failed":
            self._end = {"phase": Phase.FAILED} | vars(read_as(_Failed, message, others=True))
        elif kind == "cancelled":
            self._end = {"phase": Phase.CANCELLED, "exit_code": 130}
        if kind in ENDINGS:
            self._said_last_at = now

    def _next_phase(self, done: Phase) -> Phase:
        """Return what is being done after a step of the engine: progress comes when it is over."""
        if done is Phase.REGISTERING and self.job.reverse_pass:
            return Phase.INVERSE
        return Phase.PERTURBING

    def _hurry(self, process: WorkerProcess, now: float) -> None:
        """While it runs: see that it does not run for ever."""
        if self._killed_at is not None:
            return
        if self._silent_s > self._silence_s and not self._steps:
            self._end = self._end or hung(self._silence_s, process.log)
            self._kill(process, now)
        elif self._said_last_at is not None and now - self._said_last_at > self._patience_s:
            self._kill(process, now)
        elif len(self._steps) == 1 and now - self._steps[0] > ASKED_S:
            process.terminate()
            self._steps.append(now)
        elif len(self._steps) == 2 and now - self._steps[1] > TERMINATED_S:
            self._kill(process, now)

    @property
    def _patience_s(self) -> float:
        writes = self._end is not None and self._end["phase"] is Phase.FINISHED
        return _REPORT_S if writes else _LEAVING_S

    def _kill(self, process: WorkerProcess, now: float) -> None:
        process.kill()
        self._killed_at = now

    def _settle(self, process: WorkerProcess, now: float) -> None:
        """After it is gone: hear the rest, clean up (in a thread, disks are slow), and say so."""
        if self._gone_at is None:
            self._gone_at = now
        if self._cleaner is None:
            if process.heard_all or now - self._gone_at > _CLOSING_S:
                # what was heard between the last look and the end is taken in by the next one
                self._cleaner = threading.Thread(target=process.clean_up, daemon=True)
                self._cleaner.start()
        elif not self._cleaner.is_alive():
            self._be_over(process)

    def _be_over(self, process: WorkerProcess) -> None:
        self._tell_of_reports(process)
        self._change(left_s=None, log=process.log, **(self._end or self._unexplained(process)))

    def _tell_of_reports(self, process: WorkerProcess) -> None:
        lost = tuple(lost_report(folder) for folder in process.take_lost_reports())
        self._change(notes=self.state.notes + lost)

    def _unexplained(self, process: WorkerProcess) -> dict[str, Any]:
        """Return the end of a worker that went without a last message."""
        if self.state.cancelling:
            return {"phase": Phase.CANCELLED, "exit_code": 130}
        return explain(process.status or 0, process.log)


_Text = Annotated[str, Mended()]  # it may hold the name of a file


@dataclass(frozen=True)
class _PhaseSaid:
    """The messages of `messages`, as far as they are heard here."""

    phase: Phase


@dataclass(frozen=True)
class _Progress:
    phase: Phase
    done: int
    total: int
    left_s: Annotated[float, OrNan()] | None
    device: str
    standard_error: StandardError | None = None


@dataclass(frozen=True)
class _Note:
    text: _Text


@dataclass(frozen=True)
class _PreviewSaid:
    perturbed: int
    total: Path | None
    warped: Path | None


@dataclass(frozen=True)
class _Finished:
    output: Path
    complete: bool


@dataclass(frozen=True)
class _Failed:
    problem: _Text
    remedy: _Text
    exit_code: int
