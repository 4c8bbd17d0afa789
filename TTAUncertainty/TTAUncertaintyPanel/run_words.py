"""What the panel says of a run, from its state alone."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.worker.run import Phase

from .words import about, device_title, duration, passes_of

#: Worker's exit code where PyTorch is missing; see the library's `errors`.
MISSING_PACKAGE = 7


def phase_text(state: Any) -> str:
    """Say where the run is."""
    if state.cancelling:
        return _("Cancelling")
    if state.stopping and state.phase is not Phase.WRITING:
        return _("Stopping; what there is will be kept")
    titles = {
        Phase.STARTING: _("Starting"),
        Phase.READING: _("Reading the images"),
        Phase.ALIGNING: _("Aligning linearly"),
        Phase.REGISTERING: _("Registering"),
        Phase.INVERSE: _("Registering the other way round"),
        Phase.PERTURBING: _("Registering perturbed images"),
        Phase.WRITING: _("Writing the result"),
        Phase.FINISHED: _("Loading the result"),
    }
    return str(titles.get(state.phase, state.phase.title))


def passes_text(state: Any) -> str:
    """Say how many passes are done: "pass 7 of 18"."""
    if not state.total:
        return ""
    return _("{done} of {total} passes").format(done=state.done, total=state.total)


def time_text(state: Any) -> str:
    """Say how long it has taken, how long it still takes, and where it runs."""
    parts = []
    if state.left_s is not None and not (state.stopping or state.cancelling):
        parts.append(_("about {time} left").format(time=about(state.left_s)))
    if state.elapsed_s >= 1:
        parts.append(_("{time} so far").format(time=duration(state.elapsed_s)))
    if state.device:
        parts.append(device_title(state.device))
    text = " · ".join(parts)
    return text[:1].upper() + text[1:]


def log_text(state: Any) -> str:
    """Return notes and log as the panel shows them, the newest last."""
    notes = [_("Note: {text}").format(text=note) for note in state.notes]
    return "\n".join([*notes, state.log]).strip()


def ended_text(state: Any, loaded: bool) -> tuple[str, str]:
    """Say how the run ended.

    Returns
    -------
    tuple
        The sentence, and "good", "care", "bad" or "plain".
    """
    if state.phase is Phase.CANCELLED:
        return _("Cancelled. Nothing was kept."), "plain"
    if state.phase is Phase.FAILED or not loaded:
        problem = state.problem or _("The run ended without a result.")
        return f"{problem} {state.remedy}".strip(), "bad"
    where = device_title(state.device).lower()
    took = _("{passes} in {time} ({device}).").format(
        passes=passes_of(state.done), time=duration(state.elapsed_s), device=where
    )
    notes = " ".join(state.notes)
    if not state.complete:
        asked = _("Stopped early: {done} of {total} passes, in {time}.").format(
            done=state.done, total=state.total, time=duration(state.elapsed_s)
        )
        coarse = _("The map is coarser than it would have been.")
        return f"{asked} {coarse} {notes}".strip(), "care"
    finished = _("Finished: {took}").format(took=took)
    return f"{finished} {notes}".strip(), "care" if notes else "good"
