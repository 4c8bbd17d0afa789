"""How far a run is: phase, passes, time left, device, and what it says in the end."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.run_view import run_view
from TTAUncertaintyLib.worker.run import Phase, RunState

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
        ui, view = self._ui, run_view(state)
        ui.progressSection.visible = state.phase is not Phase.FAILED
        ui.progressBar.visible = ui.passesLabel.visible = not state.ended
        ui.phaseLabel.text = view.phase.said(_)
        times = ", ".join(phrase.said(_) for phrase in view.times)
        lines = [times, view.known.said(_), *state.notes]
        ui.timeLabel.text = "\n".join(line for line in lines if line)
        # while it runs the line keeps its place, so that nothing below it jumps
        ui.timeLabel.visible = bool(ui.timeLabel.text) or not state.ended
        if not state.ended:
            ui.progressBar.maximum = 0 if view.fraction is None else 1000
            ui.progressBar.value = round(1000 * (view.fraction or 0.0))
            ui.passesLabel.text = view.passes.said(_)
        self._showLog(state)

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
