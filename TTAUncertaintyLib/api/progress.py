"""A progress bar: tqdm where there is one, in a terminal or a notebook; plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from ..humanize import about
from ..worker import RunState

try:
    from tqdm import tqdm
except ImportError:  # Slicer's Python may not have it
    tqdm = None


class Bar:
    """Shows passes done of all, and the time left.

    Parameters
    ----------
    quiet
        Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._tenths = -1

    def update(self, state: RunState) -> None:
        """Show the passes of a run."""
        if self._quiet:
            return
        left = "" if state.left_s is None else f", about {about(state.left_s)} left"
        left += "" if state.standard_error is None else f", {state.standard_error}"
        notebook = in_notebook()
        if tqdm is not None and (notebook or sys.stderr.isatty()):
            if self._bar is None:
                self._bar = tqdm(
                    # a notebook paints standard error red
                    file=sys.stdout if notebook else sys.stderr,
                    total=state.total,
                    bar_format="  {bar:30} {n_fmt}/{total_fmt} passes{postfix}",
                )
            self._bar.n = state.done
            self._bar.set_postfix_str(f"on {state.device}{left}", refresh=True)
            return
        tenths = 10 * state.done // state.total
        if tenths != self._tenths:
            self._tenths = tenths
            print(
                f"  {state.done}/{state.total} passes on {state.device}{left}",
                flush=True,
            )

    def write(self, text: str) -> None:
        """Print a line without breaking the bar."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.write(text)
        else:
            print(text, flush=True)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def in_notebook() -> bool:
    """Tell whether a Jupyter kernel runs this."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    return getattr(shell, "kernel", None) is not None
