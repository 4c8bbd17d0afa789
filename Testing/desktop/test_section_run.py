"""The section Run: the button and its reasons, progress, the ends of a run, the live map."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import slicer
from support import fake_python
from support.tool_tips import tool_tip

from TTAUncertaintyLib.errors import InputError, ResourceError
from TTAUncertaintyLib.worker import Phase, RunState, StandardError

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]


def begin(desktop, panel, python, until=lambda state: state.done > 0):
    """Press Run and wait until passes arrive."""
    panel.logic.machine.python = python
    panel.ui.runButton.click()
    run = panel.logic.run
    desktop.wait_until(lambda: until(run.state) or run.ended)
    return run


def finish(desktop, panel, python):
    """Press Run and wait for the end."""
    panel.logic.machine.python = python
    panel.ui.runButton.click()
    run = panel.logic.run
    desktop.wait_until(lambda: run.ended)
    return run


# before


def test_the_button_says_why_it_cannot_run(desktop, panel):
    from support.module_desktop import FIXED, MOVING, add_volume

    ui = panel.ui
    volumes = []
    for reason, volume in (("fixed", None), ("moving", FIXED), ("", MOVING)):
        if volume is not None:
            volumes.append(add_volume("volume", volume))
            desktop.process_events(0.05)
        assert reason in ui.reasonLabel.text
        assert ui.runButton.enabled is not bool(reason)
        assert ui.reasonLabel.visible is bool(reason)
        assert tool_tip(ui.runButton) == ui.reasonLabel.text or not reason
    slicer.mrmlScene.RemoveNode(volumes[1])
    desktop.process_events(0.05)
    assert not ui.runButton.enabled and "moving" in ui.reasonLabel.text


def test_voxels_that_come_after_the_node_are_noticed(desktop, panel):
    import slicer.util
    from support.module_desktop import FIXED, add_volume

    add_volume("fixed", FIXED)
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "later")
    desktop.process_events(0.05)
    panel.parameters.movingVolume = empty
    assert "no voxels" in panel.ui.reasonLabel.text
    slicer.util.updateVolumeFromArray(empty, np.random.default_rng(0).random((8, 9, 10)))
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    desktop.process_events(0.05)
    assert panel.ui.runButton.enabled, panel.ui.reasonLabel.text


# while it runs


def test_run_becomes_cancel_at_once_and_back_again(desktop, ready, result_folder, tmp_path):
    ui = ready.ui
    ready.logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    began = time.monotonic()
    ui.runButton.click()
    assert time.monotonic() - began < 0.3
    assert ui.runButton.text == "Cancel" and ui.runButton.enabled
    assert ui.stopButton.visible and not ui.stopButton.enabled
    assert ui.progressSection.visible and not ui.reasonLabel.visible
    run = ready.logic.run
    desktop.wait_until(lambda: run.state.done > 0)
    ui.runButton.click()
    assert not ui.runButton.enabled  # a second click could only start another
    desktop.wait_until(lambda: run.ended, 6)
    assert ui.runButton.text == "Run" and ui.runButton.enabled and not ui.stopButton.visible
    assert ui.phaseLabel.text == "Cancelled" and ui.timeLabel.text == "Nothing was kept."
    assert not ui.messageFrame.visible
    assert ready.result is None


def test_progress_is_told_in_passes_time_and_device(desktop, ready, result_folder, tmp_path):
    ui = ready.ui
    begin(desktop, ready, fake_python.waiting(tmp_path, result_folder), lambda s: s.done == 7)
    assert ui.phaseLabel.text == "Registering perturbed images…"
    assert ui.passesLabel.text == "7 of 8 passes"
    assert (ui.progressBar.minimum, ui.progressBar.maximum) == (0, 1000)
    assert ui.progressBar.value == 875
    assert "left" in ui.timeLabel.text and "processor" in ui.timeLabel.text


def test_before_passes_are_counted_the_bar_only_says_that_something_goes_on(ready):
    from TTAUncertaintyPanel.progress import ProgressDisplay

    display = ProgressDisplay(ready.ui)
    display.show(RunState(phase=Phase.READING))
    assert ready.ui.progressBar.maximum == 0
    assert ready.ui.passesLabel.text == ""


def test_stop_and_keep_waits_for_something_to_keep(desktop, ready, result_folder, tmp_path):
    ui = ready.ui
    run = begin(desktop, ready, fake_python.waiting(tmp_path, result_folder), lambda s: s.done >= 4)
    section = next(s for s in ready._sections if hasattr(s, "_onState"))
    section._onState(replace(run.state, done=3))  # one perturbed pass has no spread
    assert not ui.stopButton.enabled
    section._onState(run.state)
    assert ui.stopButton.enabled
    ui.stopButton.click()
    assert not ui.stopButton.enabled
    desktop.wait_until(lambda: run.ended)
    assert ready.result == run.result and ready.result is not None
    assert ui.phaseLabel.text == "Stopped and kept"
    assert f"{run.state.done} of 8 passes" in ui.timeLabel.text


def test_a_run_from_the_console_is_shown_and_can_be_cancelled_here(
    desktop, ready, result_folder, tmp_path
):
    from TTAUncertainty import TTAUncertaintyLogic

    desktop.leave()
    other = TTAUncertaintyLogic()
    other.machine.python = fake_python.waiting(tmp_path, result_folder)
    run = other.startRun(ready.parameters)
    desktop.open("TTAUncertainty")
    assert ready.ui.runButton.text == "Cancel"
    ready.ui.runButton.click()
    desktop.wait_until(lambda: run.ended)
    assert ready.ui.runButton.text == "Run"


def test_the_log_folds_out_and_follows_the_run(desktop, ready, tmp_path):
    ui = ready.ui
    assert not ui.logButton.visible
    finish(desktop, ready, fake_python.failing(tmp_path, "crash"))
    assert ui.logButton.visible and not ui.logText.visible
    ui.logButton.click()
    assert ui.logText.visible and "the sky fell" in ui.logText.toPlainText()
    ui.logButton.click()
    assert not ui.logText.visible


# how it ends


def test_a_result_is_shown_at_once_and_the_pace_is_remembered(
    desktop, ready, result_folder, tmp_path
):
    run = finish(desktop, ready, fake_python.finishing(tmp_path, result_folder))
    assert ready.result == run.result
    assert ready.ui.phaseLabel.text == "Finished"
    assert ready.ui.timeLabel.text.startswith("8 passes in ")
    assert not ready.ui.progressBar.visible and not ready.ui.messageFrame.visible
    assert "on this computer" in ready.ui.presetLabel.text


def test_what_a_run_has_noted_is_said_in_the_end(ready):
    from pathlib import Path

    from TTAUncertaintyPanel.progress import ProgressDisplay

    note = "Memory ran out; going on with 1 pass(es) at once."
    state = RunState(
        Phase.FINISHED, 18, 18, 75.0, notes=(note,), output=Path("x"), complete=True, device="cuda"
    )
    ProgressDisplay(ready.ui).show(state)
    assert ready.ui.timeLabel.text == f"18 passes in 1 min 15 s on the graphics card.\n{note}"


def test_the_progress_says_how_well_the_map_is_known(ready):
    from TTAUncertaintyPanel.progress import ProgressDisplay

    known = StandardError(0.0314, 0.06)
    display = ProgressDisplay(ready.ui)
    display.show(RunState(Phase.PERTURBING, 7, 18, 75.0, standard_error=known))
    assert ready.ui.passesLabel.text == "7 of 18 passes"
    assert "\nMap known to ±0.031 mm (6.0 %)." in ready.ui.timeLabel.text
    display.show(RunState(Phase.FINISHED, 12, 18, 75.0, complete=True, standard_error=known))
    assert ready.ui.phaseLabel.text == "Finished: converged"
    assert ready.ui.timeLabel.text == (
        "12 of 18 passes in 1 min 15 s.\nMap known to ±0.031 mm (6.0 %)."
    )
    display.show(RunState(Phase.FINISHED, 12, 18, 75.0, standard_error=known))
    assert ready.ui.phaseLabel.text == "Stopped and kept"


@pytest.mark.parametrize("fault", ["killed", "crash", "garbage", "disk full"])
def test_a_failure_is_said_in_the_panel_until_it_is_dismissed(desktop, ready, tmp_path, fault):
    ui = ready.ui
    run = finish(desktop, ready, fake_python.failing(tmp_path, fault))
    assert ui.messageFrame.visible and desktop.messages == []
    assert run.state.problem in ui.messageLabel.text and run.state.remedy in ui.messageLabel.text
    assert not ui.messageButton.visible
    assert not ui.progressSection.visible
    assert ui.runButton.text == "Run" and ui.runButton.enabled
    ui.dismissButton.click()
    assert not ui.messageFrame.visible


def test_the_next_run_takes_the_message_of_the_last_one_away(
    desktop, ready, result_folder, tmp_path
):
    finish(desktop, ready, fake_python.failing(tmp_path / "a", "crash"))
    begin(desktop, ready, fake_python.waiting(tmp_path / "b", result_folder))
    assert not ready.ui.messageFrame.visible


def test_a_run_that_cannot_begin_says_why_in_the_panel(desktop, ready, monkeypatch):
    def refuse(*_):
        raise InputError("Another registration is running.", "Wait for it.")

    monkeypatch.setattr(ready.logic, "startRun", refuse)
    ready.ui.runButton.click()
    assert ready.ui.messageLabel.text == "Another registration is running.\nWait for it."
    assert ready.ui.runButton.text == "Run"


def test_missing_pytorch_is_offered_and_installed_on_a_click_only(
    desktop, ready, tmp_path, monkeypatch
):
    asked = []

    def install():
        asked.append(True)
        if len(asked) == 1:
            raise ResourceError("The PyTorch extension is not installed.", "Install it.")
        return len(asked) == 3

    monkeypatch.setattr(ready.logic, "installTorch", install)
    finish(desktop, ready, fake_python.failing(tmp_path, "no torch"))
    ui = ready.ui
    assert asked == []
    assert ui.messageButton.visible and ui.messageButton.text == "Install PyTorch"
    ui.messageButton.click()  # goes wrong: said, and offered again
    assert "extension is not installed" in ui.messageLabel.text and ui.messageButton.visible
    ui.messageButton.click()  # declined: the offer stays
    assert ui.messageButton.visible
    ui.messageButton.click()
    assert ui.messageLabel.text == "PyTorch is installed: press Run."
    assert not ui.messageButton.visible
