"""The section Advanced: the numbers behind a preset, and what belongs to this computer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import qt
from slicer.i18n import tr as _

from .bindings import ListBinding, NumberBinding
from .choices import DESIGN_FIELDS
from .design import fill_from_preset, preset_fields
from .look import small_print
from .requirements import TorchState
from .words import (
    amplitudes_of,
    device_options,
    family_options,
    noise_options,
    precision_options,
    preset_options,
    sampling_options,
    start_options,
)

_LOOK_MS = 300


class AdvancedSection:
    """Shows the preset's own numbers; changing one makes the design a custom one.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        choose, set_machine = self._choose, self._setMachine
        self._design = (
            ListBinding(ui.familyCombo, "family", choose, family_options()),
            ListBinding(ui.samplingCombo, "sampling", choose, sampling_options()),
            ListBinding(ui.noiseCombo, "noise", choose, noise_options()),
            NumberBinding(ui.outerSpin, "outer", choose, whole=True),
            NumberBinding(ui.replicatesSpin, "replicates", choose, whole=True),
            NumberBinding(ui.translationSpin, "translationMm", choose),
            NumberBinding(ui.rotationSpin, "rotationDeg", choose),
            NumberBinding(ui.scaleSpin, "scalePercent", choose),
            NumberBinding(ui.shearSpin, "shear", choose),
            NumberBinding(ui.elasticSpin, "elasticMm", choose),
            NumberBinding(ui.elasticSpacingSpin, "elasticSpacingMm", choose),
        )
        self._start = ListBinding(ui.startCombo, "start", self._chooseStart, start_options())
        self._device = ListBinding(ui.deviceCombo, "device", set_machine)
        self._machine = (
            self._device,
            ListBinding(ui.precisionCombo, "precision", set_machine, precision_options()),
            NumberBinding(ui.threadsSpin, "threads", set_machine, whole=True),
            NumberBinding(ui.batchSpin, "batchSize", set_machine, whole=True),
        )
        self._amplitudes = {
            "translationMm": (ui.translationSpin, ui.translationSpinLabel),
            "rotationDeg": (ui.rotationSpin, ui.rotationSpinLabel),
            "scalePercent": (ui.scaleSpin, ui.scaleSpinLabel),
            "shear": (ui.shearSpin, ui.shearSpinLabel),
            "elasticMm": (ui.elasticSpin, ui.elasticSpinLabel),
            "elasticSpacingMm": (ui.elasticSpacingSpin, ui.elasticSpacingSpinLabel),
        }
        self._titles = {value: title for value, title, _about in preset_options()}
        ui.resetButton.clicked.connect(lambda _checked=False: self._reset())
        small_print(ui.designLabel)
        small_print(ui.machineLabel)
        # which devices there are is asked in the background, when somebody looks
        self._timer = qt.QTimer()
        self._timer.interval = _LOOK_MS
        self._timer.timeout.connect(self._showMachine)
        ui.advancedSection.connect("contentsCollapsed(bool)", self._onFolded)

    def enter(self) -> None:
        """Show what the settings say by now."""
        self._showMachine()

    def cleanup(self) -> None:
        """Stop asking."""
        self._timer.stop()

    def onParametersChanged(self) -> None:
        """Show the design: the preset's own, or the person's."""
        parameters = self._host.parameters
        if parameters is None:
            return
        shown = self._shown(parameters)
        for binding in self._design:
            binding.show(shown[binding.name])
        self._start.show(parameters.start)
        acting = amplitudes_of(shown["family"])
        for name, widgets in self._amplitudes.items():
            for widget in widgets:
                widget.visible = name in acting
        title = self._titles.get(parameters.preset, "")
        changed = parameters.customise
        words = _("Changed from the preset {preset}.") if changed else _("Preset {preset}.")
        self._ui.designLabel.text = words.format(preset=title)
        self._ui.resetButton.visible = changed
        noisy = shown["noise"] != "discretisation" or shown["replicates"] > 1
        self._ui.noiseCombo.enabled = noisy
        self._ui.startCombo.enabled = parameters.initialTransform is None

    def _shown(self, parameters: Any) -> dict[str, Any]:
        """Return the numbers that a run would take."""
        if parameters.customise:
            return {name: getattr(parameters, name) for name in DESIGN_FIELDS}
        return _preset(parameters.preset, parameters.model, parameters.family)

    def _choose(self, name: str, value: Any) -> None:
        """Take a person's number; from the preset's on, if it is the first."""
        parameters = self._host.parameters
        if parameters is None:
            return
        modifying = parameters.StartModify()
        try:
            if name == "family" and parameters.preset == "paper" and not parameters.customise:
                parameters.family = value  # the paper has a design for each of its families
                fill_from_preset(parameters)
                return
            if not parameters.customise:
                fill_from_preset(parameters)
            setattr(parameters, name, value)
            parameters.customise = True
        finally:
            parameters.EndModify(modifying)

    def _chooseStart(self, name: str, value: Any) -> None:
        if self._host.parameters is not None:
            setattr(self._host.parameters, name, value)

    def _reset(self) -> None:
        if self._host.parameters is not None:
            fill_from_preset(self._host.parameters)

    def _setMachine(self, name: str, value: Any) -> None:
        setattr(self._host.logic.machine, name, value)
        self._host.refresh()

    def _onFolded(self, folded: bool) -> None:
        if not folded:
            self._host.logic.torchCheck.start()
            self._timer.start()

    def _showMachine(self) -> None:
        logic = self._host.logic
        answer = logic.torchCheck.answer
        if answer.state is not TorchState.CHECKING:
            self._timer.stop()
        self._device.set_options(device_options(answer.devices, logic.machine.device))
        for binding in self._machine:
            binding.show(getattr(logic.machine, binding.name))


@lru_cache(maxsize=64)
def _preset(preset: str, model: str, family: str) -> dict[str, Any]:
    return preset_fields(preset, model, family)
