"""The section Advanced: a preset's numbers, a design of one's own, and the computer's settings."""

from __future__ import annotations

import slicer
from support.tool_tips import tool_tip

from TTAUncertaintyLib.controls.run_choices import RunChoices, design_request

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]


def choose(combo, text):
    """Choose an entry, as a person does."""
    row = combo.findText(text)
    assert row >= 0, text
    combo.setCurrentIndex(row)


def test_the_numbers_are_the_presets(ready):
    ui = ready.ui
    choose(ui.presetCombo, "Thorough")
    assert ui.family.currentText == "Affine"
    assert (ui.outer.value, ui.replicates.value) == (16, 2)
    assert ui.translationMm.value == 1.5 and ui.rotationDeg.value == 1.5
    assert "Thorough" in ui.designLabel.text and ui.resetButton.isHidden()


def test_changing_one_number_keeps_the_others_and_says_so(ready):
    ui = ready.ui
    ui.outer.value = 12
    assert ready.parameters.customise and ready.parameters.outer == 12
    assert ready.parameters.replicates == 2 and ready.parameters.preset == "standard"
    assert "Changed from Standard" in ui.designLabel.text and not ui.resetButton.isHidden()
    assert "changed under Advanced" in ui.presetLabel.text and "26 passes" in ui.presetLabel.text
    request = design_request(ready.parameters)
    assert request.outer == 12


def test_reset_brings_the_preset_back(ready):
    ready.ui.translationMm.value = 3.5
    ready.ui.resetButton.click()
    assert not ready.parameters.customise
    assert ready.ui.translationMm.value == ready.parameters.translationMm == 1.0
    assert ready.ui.resetButton.isHidden()


def test_noise_and_start_are_off_where_they_change_nothing(ready):
    ui = ready.ui
    assert ui.noise.enabled and ui.start.enabled
    ui.replicates.value = 1
    assert not ui.noise.enabled
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "by hand")
    ready.parameters.initialTransform = transform
    assert not ui.start.enabled


def test_a_design_that_does_not_exist_is_said_under_the_button(ready):
    ready.ui.outer.value = 9
    assert not ready.ui.runButton.enabled
    assert "9" in ready.ui.reasonLabel.text
    assert tool_tip(ready.ui.runButton) == ready.ui.reasonLabel.text
    ready.ui.outer.value = 12
    assert ready.ui.runButton.enabled


def test_what_belongs_to_the_computer_is_kept_in_the_settings_not_in_the_scene(ready):
    ui, machine = ready.ui, ready.logic.machine
    choose(ui.precision, "bfloat16")
    ui.threads.value = 3
    ui.batchSize.value = 2
    choose(ui.device, "Processor")
    assert (machine.precision, machine.threads) == ("bf16", 3)
    assert (machine.batchSize, machine.device) == (2, "cpu")
    node = ready.parameters.parameterNode
    assert not any("bf16" in node.GetParameter(name) for name in node.GetParameterNames())


def test_devices_are_looked_for_when_somebody_looks(desktop, ready):
    from TTAUncertaintyPanel.requirements import TorchCheck, TorchState

    TorchCheck._answers.clear()
    ready.logic.machine.device = "cuda:3"  # chosen on another day
    ready.ui.advancedSection.collapsed = False
    assert ready.logic.torchCheck.answer.state is TorchState.CHECKING
    assert "looking" in ready.ui.machineLabel.text
    desktop.wait_until(lambda: "PyTorch" in ready.ui.machineLabel.text, 60)
    combo = ready.ui.device
    names = [combo.itemText(row) for row in range(combo.count)]
    assert names[:2] == ["Automatic", "Processor"] and "Graphics card 3" in names
    assert combo.currentText == "Graphics card 3"


def test_a_run_stops_by_itself_only_where_that_was_asked_for(ready, tmp_path):
    from TTAUncertaintyPanel.jobs import job_within

    def tolerance():
        choices = RunChoices.of(ready.parameters)
        return job_within(tmp_path, choices, ready.logic.machine, tmp_path / "out").tolerance_mm

    box = ready.ui.stopBelowMm
    assert box.text == "off" and tolerance() is None
    box.value = 0.05
    assert ready.parameters.stopBelowMm == tolerance() == 0.05
    assert not ready.parameters.customise  # the design is still the preset's
    ready.parameters.stopBelowMm = 0.0
    assert box.text == "off" and tolerance() is None
