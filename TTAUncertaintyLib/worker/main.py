"""The worker process: a job file in, JSON lines out, a result folder on disk; or job after job."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import (
    Cancelled,
    InputError,
    MissingPackage,
    ModelError,
    OutputError,
    ResourceError,
    TTAUncertaintyError,
)
from ..strict_json import Unreadable, read_text
from ..version import __version__
from .control import Control
from .job import Job
from .messages import IDLE, Voice
from .reports import Reports

if TYPE_CHECKING:
    from .kept_network import KeptNetwork
    from .perform import Done

#: After these, every `finally` has run and all is known: finished, refused, or cancelled.
_SOUND_ENDS = (
    0,
    InputError.exit_code,
    ModelError.exit_code,
    OutputError.exit_code,
    Cancelled.exit_code,
)

#: Seconds that a thread of a job may take to end after it.
_THREAD_ENDS_S = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Run the worker; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m TTAUncertaintyLib.worker", description=__doc__)
    parser.add_argument("job", type=Path, nargs="?", help="job file (JSON)")
    parser.add_argument(
        "--stdin",
        action="store_true",
        help="take 'stop' and 'cancel', and without a job file 'job JSON', from standard input; "
        "its end means cancel",
    )
    parser.add_argument("--stay", action="store_true", help="wait for more jobs after the first")
    parser.add_argument("--control", type=Path, metavar="FILE", help="take requests from this file")
    options = parser.parse_args(arguments)
    if options.job is None and not options.stdin:
        parser.error("give a job file, or --stdin")
    control = Control(options.stdin, options.control)
    place = _Workplace(_private_stdout(), control)
    if options.job is not None:
        status = place.do(lambda: _read(options.job))
        place.begin_report()
        place.finish()
        return status
    status = 0
    while (text := control.next_job()) is not None:
        status = place.do(lambda text=text: text)  # type: ignore[misc]
        leaves = not options.stay or not place.fit or control.leaving
        if not leaves:
            place.say_idle()
        place.begin_report()
        if leaves:
            break
    place.finish()
    return status


class _Workplace:
    """Where job after job is done, each as if it were the first."""

    def __init__(self, stream: TextIO, control: Control) -> None:
        self._stream = stream
        self._control = control
        self._network: KeptNetwork | None = None  # until torch is loaded
        self._reports = Reports(stream, lambda: control.leaving)
        self._done: Done | None = None  # until its report is begun
        self._fetched: Path | None = None  # a result that came with its report
        self._ended_well = False  # else "cancel" was about a job, and not about a report before it
        #: Whether the process may take another job: not after somebody's own code has run in it,
        #: nor after an end of which nobody knows what it left half done.
        self.fit = not _cpu_time_is_limited()  # the limit is of all jobs together

    def do(self, read: Callable[[], str]) -> int:
        """Do the job whose JSON this reads, say how it went, and return the exit status."""
        threads, modules = set(threading.enumerate()), len(sys.modules)
        voice = Voice(self._stream)
        voice.say("started", pid=os.getpid(), version=__version__)
        voice.beat()
        with contextlib.ExitStack() as afterwards:
            status = self._attempt(read, voice, afterwards)
            if status != 0 and self._network is not None:
                self._network.drop()
        self._ended_well = status == 0
        cut_short = status == Cancelled.exit_code and len(sys.modules) != modules
        own_code = self._network is not None and self._network.ran_own_code
        if (
            self._fetched is not None
            or status not in _SOUND_ENDS
            or cut_short
            or own_code
            or self._leaves_threads(threads)
        ):
            self.fit = False  # an import that was cut short cannot be made good, for one
        return status

    def _leaves_threads(self, before: set[threading.Thread]) -> bool:
        if not _threads_are_left(before):
            return False
        if not self._reports.under_way:
            return True
        self._reports.wait()  # they were those of the report of the job before
        return _threads_are_left(before)

    def say_idle(self) -> None:
        """Say on both pipes that the job is over, and that there may be another."""
        sys.stderr.write("\n")  # whatever was left there without the end of its line
        for stream in (sys.stderr, self._stream):
            Voice(stream).say(IDLE)

    def begin_report(self) -> None:
        """Begin to write the report of the job that is done: its result is handed over by now."""
        done, self._done = self._done, None
        fetched, self._fetched = self._fetched, None
        if fetched is not None:
            self._reports.say_over(fetched.absolute(), made=True)
        if done is not None:
            self._reports.begin(done)

    def finish(self) -> None:
        """Before leaving: wait for the report, unless that is cancelled, or the process is to end.

        A result stays without it then; it can be made later.
        """
        try:
            with self._control.at_work() if self._ended_well else contextlib.nullcontext():
                self._reports.wait()
        except KeyboardInterrupt:
            self._reports.give_up()
            self._reports.wait()

    def _perform(self, job: Job, voice: Voice, afterwards: contextlib.ExitStack) -> bool:
        """Do a job with what is loaded; return whether it is complete."""
        if job.scheduler is not None:
            from .remote import carry_out_there

            self.fit = False  # the threads of its client may stay
            complete = carry_out_there(job, voice, lambda: self._control.stop_requested)
            self._fetched = job.output
            return complete
        carry_out, as_before, kept_network = _load_what_works()
        afterwards.enter_context(as_before())
        if self._network is None:
            self._network = kept_network()
        afterwards.callback(self._network.rest)
        load = self._network.load
        self._reports.make_way_for(job)
        self._done = carry_out(job, voice, lambda: self._control.stop_requested, load)
        return self._done.complete

    def _attempt(
        self, read: Callable[[], str], voice: Voice, afterwards: contextlib.ExitStack
    ) -> int:
        try:
            with self._control.at_work():
                job = Job.from_json(read())
                complete = self._perform(job, voice, afterwards)
            voice.say("finished", output=str(job.output.absolute()), complete=complete)
            return 0
        except KeyboardInterrupt:
            voice.say("cancelled")
            return Cancelled.exit_code
        except TTAUncertaintyError as error:
            return _fail(voice, error)
        except MemoryError:
            return _fail(voice, ResourceError("The computer ran out of memory.", "Close programs."))
        except Exception as error:
            traceback.print_exc()
            if isinstance(error, OSError) and error.filename is not None:
                said = f"{os.fspath(error.filename)!r}: {error.strerror}."
                return _fail(voice, InputError(said, "Check the path, and what may be done there."))
            problem = TTAUncertaintyError(
                f"Something went wrong inside ({type(error).__name__}: {error}).",
                "This is a mistake in the software; please report it with the log.",
            )
            return _fail(voice, problem)


def _load_what_works() -> tuple[Callable[..., Done], Callable[[], Any], type[KeptNetwork]]:
    """Import what does the work, torch with it.

    Raises
    ------
    MissingPackage
        If torch, or another package, is not there or does not load.
    """
    try:
        from .between_jobs import as_before
        from .kept_network import KeptNetwork
        from .perform import carry_out
    except (ImportError, OSError) as error:  # OSError: a library that torch itself needs
        name = (getattr(error, "name", None) or "torch").partition(".")[0]
        if name == "TTAUncertaintyLib":
            raise
        title = "PyTorch" if name == "torch" else f"The package {name}"
        absent = isinstance(error, ModuleNotFoundError)
        raise MissingPackage(
            f"{title} is missing in {sys.executable}."
            if absent
            else f"{title} cannot be loaded in {sys.executable} ({error}).",
            "Install it there (in Slicer, with the PyTorch extension), or choose a Python that "
            "has it.",
        ) from error
    return carry_out, as_before, KeptNetwork


def _threads_are_left(before: set[threading.Thread]) -> bool:
    """Tell whether there are threads that were not there before, and that do not end."""
    new = set(threading.enumerate()) - before
    for thread in new:
        thread.join(_THREAD_ENDS_S)
    return any(thread.is_alive() for thread in new)


def _cpu_time_is_limited() -> bool:
    if sys.platform == "win32":
        return False
    import resource

    return resource.getrlimit(resource.RLIMIT_CPU)[0] != resource.RLIM_INFINITY


def _fail(voice: Voice, error: TTAUncertaintyError) -> int:
    voice.say("failed", problem=error.problem, remedy=error.remedy, exit_code=error.exit_code)
    return error.exit_code


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except Unreadable as error:
        raise InputError(f"The job file {path} cannot be read: {error}.") from error


def _private_stdout() -> TextIO:
    """Keep standard output for messages: whatever else prints goes to standard error."""
    stream = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stream
