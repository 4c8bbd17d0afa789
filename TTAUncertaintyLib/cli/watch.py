"""Watching a run from a terminal, to its summary."""

from __future__ import annotations

from ..api.running import run_to_end
from ..results import Bundle
from ..results.summary import summary_lines
from ..worker import Job


def watch(job: Job, quiet: bool = False) -> int:
    """Run a job, show its progress and what came of it; returns 0.

    Raises
    ------
    TTAUncertaintyError, KeyboardInterrupt
        As `run_to_end`.
    """
    bundle = Bundle.open(run_to_end(job, quiet))
    if not quiet:
        print("\n".join(summary_lines(bundle)))
        print(f"\nResult: {bundle.folder}")
        if bundle.report.is_file():
            print(f"Report: {bundle.report.absolute()}")
    return 0
