"""The section Run: the button that starts and cancels, progress, and what came of it."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.worker.run import Phase, RunState

from . import active, pace
from .look import small_print
from .message_box import MessageBox
from .preview_view import PreviewView
from .run_words import (
    MISSING_PACKAGE,
    ended_text,
    log_text,
    passes_text,
    phase_text,
    time_text,
)


class RunSection:
    """Starts a run, shows how far it is, and hands its result to the panel.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._run: Any = None  # the one that is followed
        self._message = MessageBox(ui)
        self._preview = PreviewView(host)
        small_print(ui.reasonLabel)
        small_print(ui.timeLabel)
        ui.runButton.clicked.connect(lambda _checked=False: self._onRunButton())
        ui.stopButton.clicked.connect(lambda _checked=False: self._host.logic.stopAndKeep())
        ui.logButton.toggled.connect(self._onLog)
        ui.logText.visible = False
        self._showIdle()

    def enter(self) -> None:
        """Follow a run that was started elsewhere, from Slicer's console for example."""
        running = active.running()
        if running is not None and running is not self._run:
            self._follow(running)

    def cleanup(self) -> None:
        """The panel goes; the run is ended by the logic."""
        self._run = None

    def onParametersChanged(self) -> None:
        """Say whether a run can begin, and if not, why."""
        if self._host.parameters is not None and self._run is None:
            self._showReason()

    def showProblem(self, text: str, remedy: str = "") -> None:
        """Say what went wrong and what to do."""
        self._message.show(f"{text} {remedy}".strip(), "bad")

    # before

    def _showReason(self) -> None:
        logic, parameters = self._host.logic, self._host.parameters
        reason = logic.reasonNotToRun(parameters)
        tip = _("Register the moving volume onto the fixed one and map the uncertainty.")
        self._ui.runButton.enabled = not reason
        self._ui.runButton.toolTip = reason or tip
        self._ui.reasonLabel.text = reason
        self._ui.reasonLabel.visible = bool(reason)

    def _showIdle(self) -> None:
        self._ui.runButton.text = _("Run")
        self._ui.stopButton.visible = False
        self._ui.progressSection.visible = False
        self._ui.reasonLabel.visible = False
        self._ui.logButton.visible = bool(self._ui.logText.toPlainText())

    def _onRunButton(self) -> None:
        if self._run is not None:
            self._host.logic.cancel()
        else:
            self._start()

    def _start(self) -> None:
        self._message.hide()
        self._setLog("")
        try:
            run = self._host.logic.startRun(self._host.parameters)
        except TTAUncertaintyError as error:
            self.showProblem(error.problem, error.remedy)
        else:
            self._follow(run)

    # while it runs

    def _follow(self, run: Any) -> None:
        self._run = run
        self._ui.runButton.text = _("Cancel")
        self._ui.runButton.toolTip = _("End the run and keep nothing.")
        self._ui.runButton.enabled = True
        self._ui.reasonLabel.visible = False
        self._ui.stopButton.visible = True
        self._ui.progressSection.visible = True
        self._ui.logButton.visible = True
        run.observe(self._onState, self._preview.show, self._onFinished)

    def _onState(self, state: RunState) -> None:
        if self._run is None or (state.ended and state.phase is not Phase.FINISHED):
            return
        ui = self._ui
        # before there are passes to count, the bar only says that something goes on
        ui.progressBar.maximum = 1000 if state.total else 0
        if state.total:
            ui.progressBar.value = round(1000 * state.fraction)
        ui.phaseLabel.text = phase_text(state)
        ui.passesLabel.text = passes_text(state)
        ui.timeLabel.text = time_text(state)
        ui.runButton.enabled = not state.cancelling
        # a variance needs two passes: before, there is nothing to keep
        can_stop = state.preview is not None and state.preview.perturbed >= 2
        ui.stopButton.enabled = can_stop and not (state.stopping or state.cancelling)
        self._setLog(log_text(state))

    def _onFinished(self, result: Any) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        state = run.state
        self._setLog(log_text(state))
        self._showIdle()
        self._preview.end(restore=result is None)
        if result is not None:
            pace.remember(run.choices.model, self._host.logic.machine.device, state)
            self._host.setResult(result)
        self._host.refresh()
        text, kind = ended_text(state, result is not None)
        if state.phase is Phase.FAILED and state.exit_code == MISSING_PACKAGE:
            self._message.show(text, kind, _("Install PyTorch…"), self._installTorch)
        else:
            self._message.show(text, kind)

    def _installTorch(self) -> None:
        """Install PyTorch, which the person is asked about first, and run again."""
        try:
            with slicer.util.WaitCursor():
                installed = self._host.logic.installTorch()
        except TTAUncertaintyError as error:
            self.showProblem(error.problem, error.remedy)
            return
        if installed:
            self._start()

    # the log

    def _setLog(self, text: str) -> None:
        box = self._ui.logText
        if box.toPlainText() != text:
            box.setPlainText(text)
            bar = box.verticalScrollBar()
            bar.setValue(bar.maximum)

    def _onLog(self, unfolded: bool) -> None:
        self._ui.logText.visible = unfolded
        self._ui.logButton.setArrowType(qt.Qt.DownArrow if unfolded else qt.Qt.RightArrow)
