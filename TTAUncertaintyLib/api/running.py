"""Running a job to its end in a process apart, in sight of a person who may press Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from ..errors import (
    Cancelled,
    InputError,
    MissingPackage,
    ModelError,
    OutputError,
    ResourceError,
    TTAUncertaintyError,
    WorkerError,
)
from ..worker import Job, Phase, RunState, Worker
from .progress import Bar

#: The phases that a line announces; the passes have a bar instead.
_ANNOUNCED = (Phase.READING, Phase.ALIGNING, Phase.REGISTERING, Phase.WRITING)

_LOOK_S = 0.1

#: Stays for the next call, with torch and the network loaded; see `Worker` for when it leaves.
_WORKER = Worker()

#: What a worker's exit status means.
_KINDS: dict[int, type[TTAUncertaintyError]] = {
    kind.exit_code: kind
    for kind in (InputError, ModelError, OutputError, ResourceError, MissingPackage)
}


def run_to_end(job: Job, quiet: bool = False) -> Path:
    """Run a job in a worker, show its progress, and end as it ends.

    Returns
    -------
    Path
        The result's folder, absolute.

    Raises
    ------
    TTAUncertaintyError
        What the worker failed with.
    KeyboardInterrupt
        On Ctrl-C: the run is over then, and nothing was written.
    """
    bar = Bar(quiet)
    shown = RunState()
    try:
        with _WORKER.run(job) as run:
            while not shown.ended:
                state = run.wait(_LOOK_S)
                _show(state, shown, bar, quiet)
                shown = state
            if shown.phase is Phase.FINISHED:
                with contextlib.suppress(KeyboardInterrupt):  # the result is there
                    run.wait_for_report()
    finally:
        bar.close()
    if shown.phase is Phase.CANCELLED:
        raise Cancelled
    if shown.output is None:
        raise _error(shown)
    return shown.output


def _show(state: RunState, before: RunState, bar: Bar, quiet: bool) -> None:
    for note in state.notes[len(before.notes) :]:
        bar.write(f"note: {note}")
    if state.done != before.done:
        bar.update(state)
    if state.phase is not before.phase and state.phase in _ANNOUNCED:
        bar.close()
        if not quiet:
            print(f"{state.phase.title} …", flush=True)


def _error(state: RunState) -> TTAUncertaintyError:
    status = WorkerError.exit_code if state.exit_code is None else state.exit_code
    if status in (1, WorkerError.exit_code) and state.log:
        print(state.log, file=sys.stderr)
    error = _KINDS.get(status, WorkerError)(state.problem, state.remedy)
    error.exit_code = status
    return error
