"""What is said of a worker that could not say it itself: it never started, hung, or was killed.

Each function returns the changes to a `RunState`.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

from ..errors import MissingPackage, ResourceError, WorkerError
from .state import Phase

#: Signals by which others ask a process to end.
_ASKED_TO_END = {
    getattr(signal, name).value
    for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")
    if hasattr(signal, name)
}

_AGAIN = "Run it again; if it happens again, report it with the log."
_FOR_MEMORY = "Close other programs or use a network with a coarser lattice."

#: Windows' status of a process that ran out of memory, or of its quota.
_WINDOWS_NO_MEMORY = (0xC0000017, 0xC000012D, 0xC0000044)


def cannot_start(python: str, error: OSError) -> dict[str, Any]:
    """Return the end of a run whose process could not be started."""
    return _failed(
        f"The background process cannot be started with {python}: {error.strerror or error}.",
        "Choose a Python that has PyTorch, numpy and SimpleITK.",
    )


def hung(silence_s: float, log: str) -> dict[str, Any]:
    """Return the end of a run that said nothing for too long and was killed."""
    return _failed(
        f"The background process hung: it said nothing for {silence_s:g} s and was ended."
        f"{_last_words(log)}",
        _AGAIN,
    )


def lost_report(folder: Path) -> str:
    """Return a note on a result whose report its process did not come to write."""
    return (
        f"The report of the result in {folder} was not written; this makes it: "
        f"ttauncertainty report {folder}"
    )


def explain(status: int, log: str) -> dict[str, Any]:
    """Return the end of a process that left no last message.

    Parameters
    ----------
    status
        As of `subprocess`: negative for a signal.
    """
    words = _last_words(log)
    missing = re.findall(r"ModuleNotFoundError: No module named '([\w.]+)'", log)
    if missing and status > 0:
        return _failed(
            f"The package {missing[-1]} is missing in the Python of the background process.",
            "Choose a Python that has PyTorch, numpy and SimpleITK.",
            MissingPackage.exit_code,
        )
    if status == -getattr(signal, "SIGXCPU", 24) or _used_up_cpu(status):
        return _failed(
            "The background process was ended because it used up the CPU time that it may use."
            f"{words}",
            "Raise that limit (ulimit -t), or make fewer passes.",
            ResourceError.exit_code,
        )
    if -status in _ASKED_TO_END:
        return _failed(
            "The background process was ended by another program or the system "
            f"({_signal_name(-status)}).{words}",
            "Run it again.",
        )
    if status == -getattr(signal, "SIGKILL", 9) or status & 0xFFFFFFFF in _WINDOWS_NO_MEMORY:
        return _failed(
            "The background process was killed, most likely because the computer ran out of "
            f"memory.{words}",
            _FOR_MEMORY,
        )
    if status < 0:
        return _failed(f"The background process crashed ({_signal_name(-status)}).{words}", _AGAIN)
    return _failed(f"The background process ended unexpectedly (status {status}).{words}", _AGAIN)


def _used_up_cpu(status: int) -> bool:
    """Tell whether a killed process had reached its limit of CPU time.

    Where the hard limit is the soft one, the system kills at once and sends no SIGXCPU.
    """
    if status != -getattr(signal, "SIGKILL", 9):
        return False
    try:
        import resource
    except ImportError:  # Windows
        return False
    limit = resource.getrlimit(resource.RLIMIT_CPU)[1]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    # of all children; there is hardly another one where somebody set such a limit
    return limit != resource.RLIM_INFINITY and used.ru_utime + used.ru_stime >= 0.95 * limit


def _failed(problem: str, remedy: str, exit_code: int = WorkerError.exit_code) -> dict[str, Any]:
    return {"phase": Phase.FAILED, "problem": problem, "remedy": remedy, "exit_code": exit_code}


def _last_words(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return f" Its last words: {lines[-1].strip()}" if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
