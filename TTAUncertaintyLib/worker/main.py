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
from .messages import IDLE, REPORT, Voice

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
        place.finish()
        return status
    status = 0
    while (text := control.next_job()) is not None:
        status = place.do(lambda text=text: text)  # type: ignore[misc]
        leaves = not options.stay or not place.fit or control.leaving
        if not leaves:
            place.say_idle()
        place.finish()
        if leaves:
            break
    return status


class _Workplace:
    """Where job after job is done, each as if it were the first."""

    def __init__(self, stream: TextIO, control: Control) -> None:
        self._stream = stream
        self._control = control
        self._network: KeptNetwork | None = None  # until torch is loaded
        self._done: Done | None = None  # until its report is written
        self._fetched: Path | None = None  # a result that came with its report
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
        cut_short = status == Cancelled.exit_code and len(sys.modules) != modules
        own_code = self._network is not None and self._network.ran_own_code
        if (
            self._fetched is not None
            or status not in _SOUND_ENDS
            or cut_short
            or own_code
            or _threads_are_left(threads)
        ):
            self.fit = False  # an import that was cut short cannot be made good, for one
        return status

    def say_idle(self) -> None:
        """Say on both pipes that the job is over, and that there may be another."""
        sys.stderr.write("\n")  # whatever was left there without the end of its line
        for stream in (sys.stderr, self._stream):
            Voice(stream).say(IDLE)

    def finish(self) -> None:
        """Write the report of the job that is done: its result is in somebody's hands by now.

        Where that is cancelled or fails the result stays without one, which can be made later.
        """
        if self._fetched is not None:
            output, self._fetched = str(self._fetched.absolute()), None
            Voice(self._stream).say(REPORT, output=output, made=True)
        if self._done is None:
            return
        from .between_jobs import as_before

        with as_before():
            done, self._done = self._done, None
            output, made = str(done.job.output.absolute()), False
            try:
                with self._control.at_work():
                    made = done.write_report()
            except KeyboardInterrupt:
                pass
            except Exception:
                traceback.print_exc()
            del done
        Voice(self._stream).say(REPORT, output=output, made=made)

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
