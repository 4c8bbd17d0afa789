"""The section Advanced: the numbers behind a preset, and how this computer does the work.

The numbers of the preset are shown; changing one makes the design the person's own. What belongs
to the computer goes into Slicer's settings at once.
"""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.run_options import (
    FAMILIES,
    NOISES,
    PRECISIONS,
    PRESETS,
    SAMPLINGS,
    STARTS,
    device_options,
)
from TTAUncertaintyLib.perturbations import PAPER_FAMILIES, Preset

from .bindings import ListBinding, NumberBinding
from .calibration_row import CalibrationRow
from .design import DESIGN_FIELDS, amplitudes_of, fill_from_preset, preset_fields
from .look import small_print
from .requirements import TorchState
from .timers import every

#: Spin boxes of the amplitudes, by the field that they show.
_AMPLITUDES = {
    "translationMm": "translationSpin",
    "rotationDeg": "rotationSpin",
    "scalePercent": "scaleSpin",
    "shear": "shearSpin",
    "elasticMm": "elasticSpin",
    "elasticSpacingMm": "elasticSpacingSpin",
}

#: Milliseconds between two looks at whether PyTorch, and which devices, were found.
_INTERVAL_MS = 300


class AdvancedSection:
    """What a preset means, number by number.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        change = self._onDesign
        self._design = [
            ListBinding(ui.familyCombo, "family", change, FAMILIES),
            ListBinding(ui.samplingCombo, "sampling", change, SAMPLINGS),
            ListBinding(ui.noiseCombo, "noise", change, NOISES),
            NumberBinding(ui.outerSpin, "outer", change, whole=True),
            NumberBinding(ui.replicatesSpin, "replicates", change, whole=True),
            *(NumberBinding(getattr(ui, box), name, change) for name, box in _AMPLITUDES.items()),
        ]
        self._start = ListBinding(ui.startCombo, "start", self._onStart, STARTS)
        self._device = ListBinding(ui.deviceCombo, "device", self._onMachine)
        self._machine = [
            self._device,
            ListBinding(ui.precisionCombo, "precision", self._onMachine, PRECISIONS),
            NumberBinding(ui.threadsSpin, "threads", self._onMachine, whole=True),
            NumberBinding(ui.batchSpin, "batchSize", self._onMachine, whole=True),
        ]
        self._calibration = CalibrationRow(ui, host)
        small_print(ui.designLabel)
        ui.resetButton.connect("clicked()", self._reset)
        ui.advancedSection.connect("contentsCollapsed(bool)", self._onFolded)
        self._timer = every(_INTERVAL_MS, self._look)
        self._showMachine()

    def enter(self) -> None:
        """Settings may have been changed elsewhere meanwhile."""
        self._showMachine()

    def onParametersChanged(self) -> None:
        """Show the design: the person's own, or the preset's."""
        parameters = self._host.parameters
        if parameters is None:
            return
        shown = _shown(parameters)
        for binding in self._design:
            binding.show(shown[binding.name])
        self._start.show(parameters.start)
        self._calibration.show()
        self._enableWhatActs(parameters, shown)
        title = {option.value: _(option.title) for option in PRESETS}
        preset = title.get(parameters.preset, parameters.preset)
        if parameters.customise:
            said = _("Changed from {preset}. Maps of different designs cannot be compared in mm.")
        else:
            said = _("As in the preset {preset}. Changing a number makes the design your own.")
        self._ui.designLabel.text = said.format(preset=preset)
        self._ui.resetButton.visible = bool(parameters.customise)

    def cleanup(self) -> None:
        """Stop looking for devices."""
        self._timer.stop()

    # the design

    def _enableWhatActs(self, parameters: Any, shown: dict[str, Any]) -> None:
        """Switch off what would change nothing, so that nobody wonders."""
        ui = self._ui
        acting = amplitudes_of(shown["family"])
        for name, box in _AMPLITUDES.items():
            getattr(ui, box).enabled = name in acting
            getattr(ui, f"{box}Label").enabled = name in acting
        repeated = shown["replicates"] > 1
        ui.noiseCombo.enabled = ui.noiseComboLabel.enabled = repeated
        free = parameters.initialTransform is None
        ui.startCombo.enabled = ui.startComboLabel.enabled = free

    def _onDesign(self, name: str, value: Any) -> None:
        parameters = self._host.parameters
        if parameters is None:
            return
        modifying = parameters.StartModify()
        try:
            if not parameters.customise:
                for field, own in _shown(parameters).items():
                    setattr(parameters, field, own)
            setattr(parameters, name, value)
            if name == "family" and _is_published(parameters):
                fill_from_preset(parameters)  # one of the paper's own designs
            else:
                parameters.customise = True
        finally:
            parameters.EndModify(modifying)

    def _reset(self) -> None:
        fill_from_preset(self._host.parameters)

    def _onStart(self, _name: str, value: str) -> None:
        if self._host.parameters is not None:
            self._host.parameters.start = value

    # the computer

    def _showMachine(self) -> None:
        machine = self._host.logic.machine
        answer = self._host.logic.torchCheck.answer
        self._device.set_options(device_options(answer.devices, machine.device))
        for binding in self._machine:
            binding.show(getattr(machine, binding.name))
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


def _shown(parameters: Any) -> dict[str, Any]:
    """Return the design's fields: the person's own, or the preset's."""
    if parameters.customise:
        return {name: getattr(parameters, name) for name in DESIGN_FIELDS}
    return preset_fields(parameters.preset, parameters.model, parameters.family)


def _is_published(parameters: Any) -> bool:
    """Tell whether preset and family name one of the paper's designs, with nothing changed."""
    return (
        parameters.preset == Preset.PAPER.value
        and not parameters.customise
        and parameters.family in {member.value for member in PAPER_FAMILIES}
    )
