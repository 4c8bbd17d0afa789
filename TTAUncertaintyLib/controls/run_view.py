"""What is to be seen of a run: how far it is, how it ended, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass

from ..humanize import about, duration, millimetres
from ..worker.run import Phase, RunState
from .option import Option, Phrase
from .run_options import device_title

_CANCEL = Option("cancel", "Cancel", "End the run and keep nothing of it.")
_STOP = Option("stop", "Stop and keep", "End now and keep the maps of the passes made so far.")


@dataclass(frozen=True)
class RunView:
    """A run, or how it ended."""

    phase: Phrase
    #: How much is done, 0 to 1; None while nobody knows how long it takes.
    fraction: float | None
    #: Passes done, of how many; without words before that is known.
    passes: Phrase
    #: Parts of a line: time left, or since the start, and on what; or how it ended.
    times: tuple[Phrase, ...]
    #: How well the map is known, where that is known.
    known: Phrase
    #: The two buttons; why they cannot be pressed.
    cancel: Option
    stop: Option


def run_view(state: RunState) -> RunView:
    """Return what is to be seen of a run at one moment."""
    ending = "Cancelling…" if state.cancelling or state.ended else ""
    no_stop = "" if state.has_map else "After two perturbed passes there is a map to keep."
    if ending or state.stopping:
        no_stop = ending or "Stopping…"
    return RunView(
        phase=_phase(state),
        fraction=None if state.open_ended else state.fraction,
        passes=_counted(state) if state.total else Phrase(),
        times=_ended(state) if state.ended else _times(state),
        known=_known(state),
        cancel=Option(_CANCEL.value, ending or _CANCEL.title, _CANCEL.about, ending),
        stop=Option(_STOP.value, _STOP.title, _STOP.about, no_stop),
    )


def passes(count: int) -> Phrase:
    """Say how many passes through the network: "1 pass", "18 passes"."""
    return Phrase("1 pass") if count == 1 else Phrase("{count} passes", {"count": count})


def _counted(state: RunState) -> Phrase:
    return Phrase("{done} of {total} passes", {"done": state.done, "total": state.total})


def _phase(state: RunState) -> Phrase:
    if state.cancelling and not state.ended:
        return Phrase("Cancelling…")
    if state.stopping and not state.ended:
        return Phrase("Stopping, with what has been computed…")
    if state.phase is Phase.FINISHED and not state.complete:
        return Phrase("Stopped and kept")
    if state.converged:
        return Phrase("Finished: converged")
    title = Phrase(state.phase.title)
    return title if state.ended else Phrase("{phase}…", {"phase": title})


def _times(state: RunState) -> tuple[Phrase, ...]:
    parts = []
    if state.left_s is not None and state.phase is not Phase.WRITING:
        parts.append(Phrase("About {time} left", {"time": about(state.left_s)}))
    elif state.elapsed_s >= 1:
        parts.append(Phrase("{time} so far", {"time": duration(state.elapsed_s)}))
    if state.device:
        parts.append(Phrase("on the {device}", {"device": _device(state)}))
    return tuple(parts)


def _ended(state: RunState) -> tuple[Phrase, ...]:
    if state.phase is Phase.CANCELLED:
        return (Phrase("Nothing was kept."),)
    if state.phase is not Phase.FINISHED:
        return ()
    made = passes(state.done) if state.complete and not state.converged else _counted(state)
    said = {"passes": made, "time": duration(state.elapsed_s), "device": _device(state)}
    if not state.device:
        return (Phrase("{passes} in {time}.", said),)
    return (Phrase("{passes} in {time} on the {device}.", said),)


def _known(state: RunState) -> Phrase:
    known = state.standard_error
    if known is None:
        return Phrase()
    size = millimetres(known.mm)
    said = {"size": size if size.startswith("below") else f"±{size}"}
    share = 100 * known.fraction
    said["share"] = f"{share:.0f} %" if share >= 9.95 or share == 0 else f"{share:.1f} %"
    return Phrase("Map known to {size} ({share}).", said)


def _device(state: RunState) -> Phrase:
    return Phrase(device_title(state.device).lower())
