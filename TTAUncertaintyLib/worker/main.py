"""The worker process: a job file in, JSON lines out, a result folder on disk."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ..errors import InputError, MissingPackage, ResourceError, TTAUncertaintyError
from ..reading import Unreadable, read_text
from ..version import __version__
from .control import Control
from .job import Job
from .messages import Voice


def main(arguments: list[str] | None = None) -> int:
    """Run the worker; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m TTAUncertaintyLib.worker", description=__doc__)
    parser.add_argument("job", type=Path, help="job file (JSON)")
    parser.add_argument(
        "--stdin",
        action="store_true",
        help="take 'stop' and 'cancel' from standard input; its end means cancel",
    )
    parser.add_argument("--control", type=Path, metavar="FILE", help="take them from this file")
    parser.add_argument(
        "--remove-job",
        action="store_true",
        help="once it is read, remove the job file, and its folder if that is then empty",
    )
    options = parser.parse_args(arguments)
    voice = Voice(_private_stdout())
    voice.say("started", pid=os.getpid(), version=__version__)
    voice.beat()
    try:
        control = Control(options.stdin, options.control)
        job = Job.from_json(_read(options.job))
        if options.remove_job:  # its writer may be killed, and could not remove it then
            with contextlib.suppress(OSError):
                options.job.unlink()
                options.job.parent.rmdir()
        perform = _load_perform()
        complete = perform(job, voice, lambda: control.stop_requested)
        voice.say("finished", output=str(job.output.absolute()), complete=complete)
        return 0
    except KeyboardInterrupt:
        voice.say("cancelled")
        return 130
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


def _load_perform() -> Callable[[Job, Voice, Callable[[], bool]], bool]:
    """Import what does the work, torch with it.

    Raises
    ------
    MissingPackage
        If torch, or another package, is not there or does not load.
    """
    try:
        from .perform import perform
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
    return perform


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
