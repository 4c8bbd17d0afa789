"""Watching a worker from a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import Cancelled, TTAUncertaintyError, WorkerError
from ..results import Bundle
from ..worker import Job, Message, WorkerProcess
from .bar import Bar
from .info import summary_lines

_PHASES = {
    "reading": "Reading the images",
    "aligning": "Aligning linearly",
    "registering": "Registering",
    "writing": "Writing the result",
}


def watch(job: Job, quiet: bool = False) -> int:
    """Run a job in a worker, show its progress, and end as it ends.

    Returns
    -------
    int
        0.

    Raises
    ------
    TTAUncertaintyError
        What the worker failed with.
    Cancelled
        On Ctrl-C; nothing was written.
    """
    bar = Bar(quiet)
    last: Message = {}
    try:
        with WorkerProcess(job) as worker:
            for message in worker.messages():
                last = message
                _show(message, bar, quiet)
            log = worker.log
    except KeyboardInterrupt:
        bar.close()
        raise Cancelled from None
    bar.close()
    if last["type"] == "cancelled":
        raise Cancelled
    if last["type"] == "failed":
        raise _error(last, log)
    if not quiet:
        bundle = Bundle.open(Path(last["output"]))
        print("\n".join(summary_lines(bundle)))
        print(f"\nResult: {bundle.folder}\nReport: {bundle.report.absolute()}")
    return 0


def _show(message: Message, bar: Bar, quiet: bool) -> None:
    if message["type"] == "progress":
        bar.update(message)
    elif message["type"] == "phase":
        bar.close()
        if not quiet:
            print(_PHASES.get(str(message["phase"]), "Working") + " …", flush=True)
    elif message["type"] == "note":
        bar.write(f"note: {message['text']}")


def _error(message: Message, log: str) -> TTAUncertaintyError:
    status = int(message["exit_code"])
    if status in (1, WorkerError.exit_code) and log:
        print(log, file=sys.stderr)
    error = WorkerError(message["problem"], message["remedy"])
    error.exit_code = status
    return error
