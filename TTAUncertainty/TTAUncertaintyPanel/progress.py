"""How far a run is: phase, passes, time left, device, and what it says in the end."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.worker.run import Phase, RunState

from . import words
from .look import small_print


class ProgressDisplay:
    """The lines and the bar under the Run button, and the log below them.

    Parameters
    ----------
    ui
        The form's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._log = ""
        for label in (ui.timeLabel, ui.passesLabel):
            small_print(label)
        ui.logText.setFont(qt.QFontDatabase.systemFont(qt.QFontDatabase.FixedFont))
        ui.logButton.connect("toggled(bool)", self._fold)
        self.clear()

    def clear(self) -> None:
        """Show nothing: there has been no run."""
        self._ui.progressSection.visible = False
        self._ui.logButton.checked = False
        self._ui.logButton.visible = False
        self._ui.logText.visible = False

    def hideEnd(self) -> None:
        """Say no more how the last run ended; its log can still be unfolded."""
        self._ui.progressSection.visible = False

    def show(self, state: RunState) -> None:
        """Show where a run is, or how it ended."""
        ui = self._ui
        ui.progressSection.visible = state.phase is not Phase.FAILED
        ui.progressBar.visible = ui.passesLabel.visible = not state.ended
        ui.phaseLabel.text = self._phase(state)
        ui.timeLabel.text = _ended(state) if state.ended else _times(state)
        # while it runs the line keeps its place, so that nothing below it jumps
        ui.timeLabel.visible = bool(ui.timeLabel.text) or not state.ended
        if not state.ended:
            self._showPasses(state)
        self._showLog(state)

    def _phase(self, state: RunState) -> str:
        if state.cancelling and not state.ended:
            return _("Cancelling…")
        if state.stopping and not state.ended:
            return _("Stopping, with what has been computed…")
        if state.phase is Phase.FINISHED and not state.complete:
            return _("Stopped and kept")
        if state.converged:
            return _("Finished: converged")
        return _(state.phase.title) + ("" if state.ended else "…")

    def _showPasses(self, state: RunState) -> None:
        ui = self._ui
        ui.progressBar.maximum = 0 if state.open_ended else 1000
        ui.progressBar.value = 0 if state.open_ended else round(1000 * state.fraction)
        counted = _("{done} of {total} passes").format(done=state.done, total=state.total)
        ui.passesLabel.text = counted if state.total else ""

    def _showLog(self, state: RunState) -> None:
        ui = self._ui
        ui.logButton.visible = True
        if state.log == self._log and ui.logText.toPlainText():
            return
        self._log = state.log
        ui.logText.setPlainText(state.log or _("The background process has said nothing."))
        bar = ui.logText.verticalScrollBar()
        bar.setValue(bar.maximum)

    def _fold(self, opened: bool) -> None:
        self._ui.logText.visible = opened
        self._ui.logButton.arrowType = qt.Qt.DownArrow if opened else qt.Qt.RightArrow


def _times(state: RunState) -> str:
    """Return time left and device in a line, how well the map is known, what the run has noted."""
    parts = []
    if state.left_s is not None and state.phase is not Phase.WRITING:
        parts.append(_("{time} left").format(time=_capital(_about(state.left_s))))
    elif state.elapsed_s >= 1:
        parts.append(_("{time} so far").format(time=words.duration(state.elapsed_s)))
    if state.device:
        parts.append(_("on the {device}").format(device=_device(state)))
    return "\n".join([", ".join(parts), *_known(state), *state.notes]).strip()


def _ended(state: RunState) -> str:
    """Return what a run that ended is told by."""
    if state.phase is Phase.CANCELLED:
        return _("Nothing was kept.")
    if state.phase is not Phase.FINISHED:
        return ""
    if state.complete and not state.converged:
        made = words.passes(state.done)
    else:
        made = _("{done} of {total} passes").format(done=state.done, total=state.total)
    device = _device(state)
    said = _("{passes} in {time}").format(passes=made, time=words.duration(state.elapsed_s))
    if device:
        said = _("{passes} on the {device}").format(passes=said, device=device)
    return "\n".join([f"{said}.", *_known(state), *state.notes])


def _known(state: RunState) -> list[str]:
    """Return a line on how well the map is known, where that is known."""
    if state.standard_error is None:
        return []
    return [f"{_capital(words.standard_error(state.standard_error))}."]


def _device(state: RunState) -> str:
    return words.device_title(state.device).lower()


def _about(seconds: float) -> str:
    return _("about {time}").format(time=words.about(seconds))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
