"""The Run button and what happens after it is pressed, from the panel's side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.map_controls import SEEN_KEY
from TTAUncertaintyLib.controls.run_view import run_view
from TTAUncertaintyLib.errors import MissingPackage, TTAUncertaintyError
from TTAUncertaintyLib.scene.live_map import LiveMap
from TTAUncertaintyLib.worker.run import Phase, RunState

from . import active
from .look import small_print
from .message import MessageFrame
from .pace import Pace
from .progress import ProgressDisplay


class RunSection:
    """Starts a run, shows it, ends it. There is one run at a time."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._controller: Any = None
        self._live: LiveMap | None = None
        self._message = MessageFrame(ui)
        self._progress = ProgressDisplay(ui)
        self._pace = Pace(host.logic.machine)
        self._noMapText = ui.noMapLabel.text
        small_print(ui.reasonLabel)
        ui.runButton.connect("clicked()", self._onRun)
        ui.stopButton.connect("clicked()", self._onStop)
        self._showButtons(RunState())

    @property
    def running(self) -> bool:
        """Whether a run that this panel shows is under way."""
        return self._controller is not None

    def enter(self) -> None:
        """Show a run that was started elsewhere, from the Python console for example."""
        controller = active.running()
        if controller is not None and controller is not self._controller:
            self._watch(controller)

    def onParametersChanged(self) -> None:
        """Say whether a run can begin, and if not, why."""
        if not self.running:
            self._showButtons(RunState())

    def onSceneClosed(self) -> None:
        """Nothing of what was said belongs to the new scene; a run ends by itself."""
        self._message.hide()
        if not self.running:
            self._progress.clear()
        self._live = None

    def cleanup(self) -> None:
        """Let go; the host ends the run."""
        self._controller = self._live = None

    def showProblem(self, text: str, remedy: str = "") -> None:
        """Say what went wrong and what to do about it."""
        self._message.problem(text, remedy)

    def showBusy(self, text: str, cancel: Callable[[], None]) -> None:
        """Say what goes on, with a button that ends it."""
        self._message.note(text, cancel, _("Cancel"))

    def clearMessage(self) -> None:
        """Say nothing any more."""
        self._message.hide()

    # what the person presses

    def _onRun(self) -> None:
        if self.running:
            self._controller.cancel()
            self._ui.runButton.enabled = self._ui.stopButton.enabled = False
            self._ui.runButton.text = _("Cancelling…")
            return
        self._message.hide()
        try:
            controller = self._host.logic.startRun(self._host.parameters)
        except TTAUncertaintyError as error:
            self._message.problem(error.problem, error.remedy)
            return
        self._watch(controller)

    def _onStop(self) -> None:
        self._controller.stopAndKeep()
        self._ui.stopButton.enabled = False

    def _installTorch(self) -> None:
        try:
            installed = self._host.logic.installTorch()
        except TTAUncertaintyError as error:
            self._message.problem(
                error.problem, error.remedy, self._installTorch, _("Install PyTorch")
            )
            return
        if installed:
            self._message.note(_("PyTorch is installed: press Run."))

    # what the run says

    def _watch(self, controller: Any) -> None:
        self._controller = controller
        self._live = LiveMap(self._host.stage, self._host.parameters.opacity)
        controller.observe(self._onState, self._onPreview, self._onFinished)

    def _onState(self, state: RunState) -> None:
        if self._controller is None:
            return
        self._progress.show(state)
        self._showButtons(state)

    def _onPreview(self, nodes: Any) -> None:
        """Show the provisional map, unless the person is busy in another module."""
        if self._live is not None and self._host.entered:
            self._live.show(nodes)

    def _onFinished(self, result: Any) -> None:
        controller, live = self._controller, self._live
        self._controller = self._live = None
        if controller is None:
            return
        state = controller.state
        if result is not None:
            self._pace.note(controller.choices.model, state.done, state.elapsed_s)
            if live is not None and live.shown:
                result.set_text(SEEN_KEY, "1")  # the person looks somewhere by now
            self._host.setResult(result)
        elif live is not None:
            live.restore()
        if state.phase is Phase.FAILED:
            self._showFailure(state)
        self._host.settingsChanged()
        self._showButtons(RunState())

    def _showFailure(self, state: RunState) -> None:
        elsewhere = self._host.logic.machine.scheduler
        if state.exit_code == MissingPackage.exit_code and not elsewhere:
            self._host.logic.torchCheck.forget()
            self._message.problem(
                state.problem, state.remedy, self._installTorch, _("Install PyTorch")
            )
        else:
            self._message.problem(state.problem, state.remedy)

    # how it looks

    def _showButtons(self, state: RunState) -> None:
        ui = self._ui
        ui.stopButton.visible = self.running
        provisional = _("The map in the views is provisional: it gets sharper with every pass.")
        live = self._live is not None and self._live.shown
        ui.noMapLabel.text = provisional if live else self._noMapText
        if self.running:
            self._showWhileRunning(state)
            return
        parameters = self._host.parameters
        reason = "" if parameters is None else self._host.logic.reasonNotToRun(parameters)
        ui.runButton.text = _("Run")
        ui.runButton.enabled = parameters is not None and not reason
        ui.runButton.toolTip = reason or _(
            "Register the volumes, and again with every perturbation, in the background."
        )
        ui.reasonLabel.text = reason
        ui.reasonLabel.visible = bool(reason)
        if reason:
            self._progress.hideEnd()

    def _showWhileRunning(self, state: RunState) -> None:
        view = run_view(state)
        for button, option in (
            (self._ui.runButton, view.cancel),
            (self._ui.stopButton, view.stop),
        ):
            button.text = _(option.title)
            button.enabled = not option.why_not
            button.toolTip = _(option.why_not or option.about)
        self._ui.reasonLabel.visible = False
