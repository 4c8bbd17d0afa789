"""What went wrong on this side of a run, in words for a person."""

from __future__ import annotations

import logging
from dataclasses import replace

from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import OutputError, TTAUncertaintyError
from TTAUncertaintyLib.worker.run import Phase, RunState


def in_words(error: Exception) -> TTAUncertaintyError:
    """Return an error that a person can read; the log keeps what is a mistake of ours."""
    if isinstance(error, TTAUncertaintyError):
        return error
    if isinstance(error, OSError):
        return OutputError(
            _("The images cannot be written for the run: {reason}.").format(
                reason=error.strerror or error
            ),
            _("Free some space on the disk of temporary files."),
        )
    logging.error("TTAUncertainty: a run went wrong", exc_info=error)
    return TTAUncertaintyError(
        _("Something went wrong inside ({kind}: {text}).").format(
            kind=type(error).__name__, text=error
        ),
        _("This is a mistake in the software; please report it with the log."),
    )


def failed(state: RunState, error: TTAUncertaintyError, remedy: str = "") -> RunState:
    """Return the state of a run that ended with an error.

    Parameters
    ----------
    state
        The last one before.
    remedy
        Said after the error's own remedy.
    """
    return replace(
        state,
        phase=Phase.FAILED,
        problem=error.problem,
        remedy=f"{error.remedy} {remedy}".strip(),
        exit_code=error.exit_code,
    )
