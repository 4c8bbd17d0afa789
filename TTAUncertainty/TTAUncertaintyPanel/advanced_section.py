"""The section Advanced: the numbers behind a preset, and how this computer does the work.

The numbers of the preset are shown; changing one makes the design the person's own. What belongs
to the computer goes into Slicer's settings at once.
"""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.control import Place, rows_of
from TTAUncertaintyLib.controls.machine_choices import machine_rows
from TTAUncertaintyLib.controls.run_choices import RunChoices, design_rows, design_words

from .calibration_row import CalibrationRow
from .forms import Form
from .look import small_print
from .requirements import TorchState
from .timers import every

#: Milliseconds between two looks at whether PyTorch, and which devices, were found.
_INTERVAL_MS = 300


class AdvancedSection:
    """What a preset means, number by number."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._design = Form(ui.designRows, lambda name, value: host.choose(**{name: value}), ui)
        self._masks = Form(ui.maskRows, lambda name, value: host.choose(**{name: value}), ui)
        self._masks.show(rows_of(RunChoices, (Place.MASKS,), RunChoices()))
        self._machine = Form(ui.machineRows, self._onMachine, ui)
        self._calibration = CalibrationRow(ui, host)
        small_print(ui.designLabel)
        ui.resetButton.connect("clicked()", self._reset)
        ui.advancedSection.connect("contentsCollapsed(bool)", self._onFolded)
        self._timer = every(_INTERVAL_MS, self._look)
        self._design.show(design_rows(RunChoices()))
        self._showMachine()

    def enter(self) -> None:
        """Settings may have been changed elsewhere meanwhile."""
        self._showMachine()

    def onParametersChanged(self) -> None:
        """Show the design: the person's own, or the preset's."""
        if self._host.parameters is None:
            return
        choices = RunChoices.of(self._host.parameters)
        self._design.show(design_rows(choices))
        self._masks.show(rows_of(RunChoices, (Place.MASKS,), choices))
        self._calibration.show()
        self._ui.designLabel.text = design_words(choices).said(_)
        self._ui.resetButton.visible = choices.customise

    def cleanup(self) -> None:
        """Stop looking for devices."""
        self._timer.stop()

    def _reset(self) -> None:
        self._host.choose(preset=self._host.parameters.preset)

    # the computer

    def _showMachine(self) -> None:
        answer = self._host.logic.torchCheck.answer
        self._machine.show(machine_rows(self._host.logic.machine, answer.devices))
        self._ui.machineLabel.text = {
            TorchState.CHECKING: _("On this computer (looking for devices…):"),
            TorchState.PRESENT: _("On this computer, with PyTorch {version}:"),
            TorchState.MISSING: _(
                "On this computer. PyTorch is not installed yet; pressing Run offers it."
            ),
            TorchState.BROKEN: _("On this computer. PyTorch cannot be used ({problem})."),
        }.get(answer.state, _("On this computer:")).format(
            version=answer.version, problem=answer.problem
        )

    def _onMachine(self, name: str, value: Any) -> None:
        setattr(self._host.logic.machine, name, value)
        self._host.settingsChanged()

    def _onFolded(self, folded: bool) -> None:
        """Find out which devices there are when somebody looks: that starts a process."""
        if not folded:
            self._host.logic.torchCheck.start()
            self._look()
            self._timer.start()

    def _look(self) -> None:
        self._showMachine()
        if self._host.logic.torchCheck.answer.state is not TorchState.CHECKING:
            self._timer.stop()
