"""The panel as a person uses it: choose, run, watch, stop, cancel, read what went wrong.

The process behind it is a stand-in that does what the test needs; the result it gives is real.
"""

from __future__ import annotations

import pytest
import slicer
from support import fake_python
from support.tool_tips import tool_tip

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def panel(desktop, module, tmp_path):
    """The open panel, over an empty scene."""
    opened = desktop.open("TTAUncertainty")
    opened.logic.machine.resultsFolder = tmp_path / "results"
    return opened


@pytest.fixture
def run_with(desktop, panel, pair, tmp_path):
    """Press Run over a stand-in for the process; returns the run."""

    def begin(make):
        panel.logic.machine.python = make(tmp_path / "python")
        desktop.process_events(0.05)
        panel.ui.runButton.click()
        return panel.logic.run

    return begin


def shown(widget):
    """Whether a widget would be seen if all its sections were unfolded."""
    return not widget.isHidden()


def volumes():
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")


def ended(desktop, run):
    desktop.wait_until(lambda: run.ended)
    desktop.process_events(0.05)


def test_an_empty_scene_says_what_to_do_and_loads_a_sample_on_a_click(desktop, panel):
    ui = panel.ui
    assert shown(ui.emptyLabel) and shown(ui.noMapLabel)
    assert not ui.runButton.enabled
    assert "fixed volume" in ui.runButton.toolTip
    assert ui.reasonLabel.text == tool_tip(ui.runButton) and shown(ui.reasonLabel)
    ui.emptyLabel.linkActivated.emit("sample:reference")
    desktop.process_events(0.05)
    assert not shown(ui.emptyLabel) and not shown(ui.reasonLabel)
    assert ui.runButton.enabled
    assert ui.fixedSelector.currentNode() is panel.parameters.fixedVolume
    assert panel.parameters.movingVolume is not panel.parameters.fixedVolume


def test_volumes_that_come_are_chosen_and_a_choice_is_kept(desktop, panel, pair):
    desktop.process_events(0.05)
    parameters = panel.parameters
    assert {parameters.fixedVolume, parameters.movingVolume} == set(pair)
    before = (parameters.fixedVolume, parameters.movingVolume)
    panel.ui.swapButton.click()
    assert (parameters.movingVolume, parameters.fixedVolume) == before
    panel.exit()
    panel.enter()
    assert (parameters.movingVolume, parameters.fixedVolume) == before


def test_the_same_volume_twice_is_refused_in_words(desktop, panel, pair):
    desktop.process_events(0.05)
    panel.ui.movingSelector.setCurrentNode(panel.parameters.fixedVolume)
    assert not panel.ui.runButton.enabled
    assert "two different volumes" in panel.ui.reasonLabel.text


def test_a_preset_brings_its_numbers_and_changing_one_makes_it_a_custom_design(panel, pair):
    ui, parameters = panel.ui, panel.parameters
    ui.presetCombo.setCurrentIndex(2)
    assert parameters.preset == "thorough" and not parameters.customise
    assert ui.outer.value == 16 and ui.scalePercent.value == 2.0
    assert ui.shear.enabled and not ui.elasticMm.enabled
    ui.outer.value = 24
    assert parameters.customise and parameters.outer == 24
    assert shown(ui.resetButton)
    ui.resetButton.click()
    assert not parameters.customise and ui.outer.value == 16


def test_a_run_shows_its_progress_and_ends_with_the_map_on_the_screen(
    desktop, panel, run_with, result_folder
):
    ui = panel.ui
    run = run_with(lambda folder: fake_python.finishing(folder, result_folder, pause_s=0.1))
    assert ui.runButton.text == "Cancel" and shown(ui.stopButton)
    desktop.wait_until(lambda: run.state.done >= 3)
    assert shown(ui.progressSection)
    assert "of 8 passes" in ui.passesLabel.text
    assert 0 < ui.progressBar.value < ui.progressBar.maximum
    assert "processor" in ui.timeLabel.text
    ended(desktop, run)
    assert ui.runButton.text == "Run" and not shown(ui.stopButton)
    assert shown(ui.mapContents) and not shown(ui.noMapLabel)
    assert panel.result is not None and panel.parameters.result is panel.result.node
    total = next(iter(panel.result.maps.values()))
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    assert all(node.GetForegroundVolumeID() == total.GetID() for node in composites)
    assert "mm" in ui.mapCombo.currentText


def test_cancel_keeps_nothing_and_the_panel_is_ready_again(desktop, panel, run_with, result_folder):
    ui = panel.ui
    run = run_with(lambda folder: fake_python.waiting(folder, result_folder))
    desktop.wait_until(lambda: run.state.done > 1)
    before = volumes()
    ui.runButton.click()
    assert not ui.runButton.enabled
    ended(desktop, run)
    assert volumes() <= before and panel.result is None
    assert ui.runButton.text == "Run" and ui.runButton.enabled
    assert "Nothing was kept" in ui.timeLabel.text


def test_stop_and_keep_ends_with_what_there_is(desktop, panel, run_with, result_folder):
    run = run_with(lambda folder: fake_python.waiting(folder, result_folder))
    desktop.wait_until(lambda: panel.ui.stopButton.enabled)
    panel.ui.stopButton.click()
    ended(desktop, run)
    assert panel.result is not None
    assert "topped" in panel.ui.phaseLabel.text


@pytest.mark.parametrize("fault", ["killed", "crash", "disk full"])
def test_a_run_that_fails_says_so_in_the_panel_and_in_no_window(desktop, panel, run_with, fault):
    ui = panel.ui
    run = run_with(lambda folder: fake_python.failing(folder, fault))
    ended(desktop, run)
    assert shown(ui.messageFrame)
    assert run.state.problem in ui.messageLabel.text and run.state.remedy in ui.messageLabel.text
    assert desktop.messages == []
    assert ui.runButton.enabled and ui.runButton.text == "Run"
    ui.dismissButton.click()
    assert not shown(ui.messageFrame)


def test_missing_pytorch_can_be_installed_on_a_click_and_only_then(desktop, panel, run_with):
    asked = []
    panel.logic.installTorch = lambda: bool(asked.append("install"))
    run = run_with(lambda folder: fake_python.failing(folder, "no torch"))
    ended(desktop, run)
    assert shown(panel.ui.messageButton) and "PyTorch" in panel.ui.messageButton.text
    assert asked == []
    panel.ui.messageButton.click()
    assert asked == ["install"]


def test_the_log_folds_out(desktop, panel, run_with):
    run = run_with(lambda folder: fake_python.failing(folder, "crash"))
    ended(desktop, run)
    assert not shown(panel.ui.logText)
    panel.ui.logButton.click()
    assert shown(panel.ui.logText)
    assert "the sky fell" in panel.ui.logText.toPlainText()
