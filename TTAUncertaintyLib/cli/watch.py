"""Watching a run from a terminal."""

from __future__ import annotations

import sys

from ..errors import Cancelled, TTAUncertaintyError, WorkerError
from ..results import Bundle
from ..worker import Job, Phase, Run, RunState
from .bar import Bar
from .info import summary_lines

#: The phases that a line announces; the passes have a bar instead.
_ANNOUNCED = (Phase.READING, Phase.ALIGNING, Phase.REGISTERING, Phase.WRITING)

_LOOK_S = 0.1


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
    shown = RunState()
    try:
        with Run(job) as run:
            while not shown.ended:
                state = run.wait(_LOOK_S)
                _show(state, shown, bar, quiet)
                shown = state
    except KeyboardInterrupt:
        bar.close()
        raise Cancelled from None
    bar.close()
    if shown.phase is Phase.CANCELLED:
        raise Cancelled
    if shown.output is None:
        raise _error(shown)
    if not quiet:
        bundle = Bundle.open(shown.output)
        print("\n".join(summary_lines(bundle)))
        print(f"\nResult: {bundle.folder}\nReport: {bundle.report.absolute()}")
    return 0


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
    error = WorkerError(state.problem, state.remedy)
    error.exit_code = status
    return error
