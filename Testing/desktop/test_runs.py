"""A run from the scene's volumes to a loaded result, over stand-ins for the process.

What the process really does is tested elsewhere; here it is one that does what the test needs.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import slicer
from support import fake_python

from TTAUncertaintyLib.errors import InputError, WorkerError

pytest_plugins = ["support.module_desktop"]


def wait(desktop, controller, seconds=20):
    desktop.wait_until(lambda: controller.ended, seconds)
    return controller.state


def begin(logic, pair, **options):
    return logic.startRun(fixedVolume=pair[0], movingVolume=pair[1], preset="quick", **options)


def left_behind(desktop):
    """Private folders of runs that are still there."""
    return sorted(Path(slicer.app.temporaryPath).glob("ttauncertainty-*"))


def test_a_run_starts_at_once_and_ends_with_the_result_in_the_scene(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.finishing(tmp_path, result_folder)
    logic.machine.resultsFolder = tmp_path / "Ergebnisse für später"
    states, finished = [], []
    began = time.monotonic()
    controller = begin(logic, pair, onState=states.append, onFinished=finished.append)
    assert time.monotonic() - began < 0.1
    assert logic.running
    state = wait(desktop, controller)
    assert state.phase.value == "finished", state.problem
    assert not logic.running
    assert finished == [controller.result]
    assert [result.node.GetID() for result in logic.results()] == [controller.result.node.GetID()]
    assert controller.result.fixed is pair[0]
    assert controller.result.moving is pair[1]
    dones = [state.done for state in states]
    assert dones == sorted(dones) and dones[-1] == 8
    assert state.output.parent.parent == tmp_path / "Ergebnisse für später"
    assert left_behind(desktop) == []


def test_a_second_run_is_refused_in_words_and_does_not_disturb_the_first(
    desktop, logic, pair, result_folder, tmp_path
):
    from TTAUncertainty import TTAUncertaintyLogic

    logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    controller = begin(logic, pair)
    for other in (logic, TTAUncertaintyLogic()):
        with pytest.raises(InputError, match="running"):
            begin(other, pair)
    desktop.wait_until(lambda: controller.state.done > 3)
    controller.cancel()
    assert wait(desktop, controller).phase.value == "cancelled"
    assert begin(logic, pair).state.phase.value == "starting"


def test_cancel_returns_at_once_and_keeps_nothing(desktop, logic, pair, result_folder, tmp_path):
    logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    finished = []
    controller = begin(logic, pair, onFinished=finished.append)
    desktop.wait_until(lambda: controller.state.done > 0)
    began = time.monotonic()
    logic.cancel()
    assert time.monotonic() - began < 0.05
    state = wait(desktop, controller, 5)
    assert state.phase.value == "cancelled"
    assert finished == [None]
    assert logic.results() == []
    assert left_behind(desktop) == []


@pytest.mark.parametrize("wish", ["cancel", "stopAndKeep"])
def test_a_wish_from_before_the_process_exists_is_not_forgotten(
    desktop, logic, pair, result_folder, tmp_path, wish
):
    logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    controller = begin(logic, pair)
    getattr(controller, wish)()
    state = wait(desktop, controller)
    assert state.phase.value == ("cancelled" if wish == "cancel" else "finished")


def test_stop_and_keep_gives_a_result_that_is_not_complete(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    controller = begin(logic, pair)
    desktop.wait_until(lambda: controller.state.done > 0)
    logic.stopAndKeep()
    state = wait(desktop, controller)
    assert state.phase.value == "finished" and not state.complete
    assert controller.result is not None


def test_closing_the_scene_ends_the_run_and_leaves_the_new_scene_alone(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    controller = begin(logic, pair)
    desktop.wait_until(lambda: controller.state.done > 0)
    desktop.close_scene()
    before = slicer.mrmlScene.GetNumberOfNodes()
    assert wait(desktop, controller, 5).phase.value == "cancelled"
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert left_behind(desktop) == []


def test_a_result_that_comes_when_the_scene_is_gone_is_thrown_away(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.finishing(tmp_path, result_folder, pause_s=0.0)
    controller = begin(logic, pair, output=tmp_path / "late")
    while controller._preparation.run is None:
        controller.poll()
    controller._timer.stop()
    time.sleep(1.0)  # it has finished by now, and nobody has looked
    desktop.close_scene()
    controller._timer.start()
    wait(desktop, controller, 5)
    assert controller.result is None
    assert logic.results() == []
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize("gone", [0, 1])
def test_a_volume_deleted_during_the_run_loses_nothing_else(
    desktop, logic, pair, result_folder, tmp_path, gone
):
    logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    controller = begin(logic, pair)
    desktop.wait_until(lambda: controller.state.done > 0)
    slicer.mrmlScene.RemoveNode(pair[gone])
    controller.stopAndKeep()
    assert wait(desktop, controller).phase.value == "finished"
    result = controller.result
    assert [result.fixed, result.moving].count(None) == 1
    assert not result.node.GetNodeReferenceID(("fixed", "moving")[gone])
    assert result.warped is not None
    assert result.maps


def test_quitting_ends_the_process_and_removes_its_files(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    controller = begin(logic, pair)
    desktop.wait_until(lambda: controller.state.done > 0)
    pid = controller._preparation.run.pid
    desktop.quit()
    assert controller.ended
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert left_behind(desktop) == []


def test_inputs_are_not_modified(desktop, logic, pair, result_folder, tmp_path):
    logic.machine.python = fake_python.finishing(tmp_path, result_folder)
    before = [(node.GetMTime(), node.GetImageData().GetMTime()) for node in pair]
    wait(desktop, begin(logic, pair))
    assert [node.GetImageData().GetMTime() for node in pair] == [b for _, b in before]
    assert [node.GetParentTransformNode() for node in pair] == [None, None]


def test_a_listener_that_fails_does_not_end_the_run(desktop, logic, pair, result_folder, tmp_path):
    logic.machine.python = fake_python.finishing(tmp_path, result_folder)

    def fail(_):
        raise RuntimeError("mine")

    assert wait(desktop, begin(logic, pair, onState=fail)).phase.value == "finished"


def test_a_script_may_wait_and_is_told_of_failure_by_an_exception(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.finishing(tmp_path / "a", result_folder)
    controller = begin(logic, pair, waitForCompletion=True)
    assert controller.ended and controller.result is not None
    logic.machine.python = fake_python.failing(tmp_path / "b", "disk full")
    with pytest.raises(WorkerError, match="Free some space"):
        begin(logic, pair, waitForCompletion=True)


@pytest.mark.slow
def test_a_hundred_runs_started_and_cancelled_leave_no_process_and_no_file(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.waiting(tmp_path / "python", result_folder)
    logic.machine.resultsFolder = tmp_path / "results"
    pids = []
    for number in range(100):
        controller = begin(logic, pair)
        if number % 3:  # some are cancelled before there is a process
            while controller._preparation.run is None:
                controller.poll()
            pids.append(controller._preparation.run.pid)
        controller.cancel()
        controller.wait(10)
        assert controller.ended
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert left_behind(desktop) == []
    assert list(tmp_path.rglob("*.partial")) == []
    results = tmp_path / "results" / "TTAUncertainty"
    assert not results.exists() or list(results.iterdir()) == []


def test_a_run_adds_nothing_to_a_scene_while_that_is_imported(
    desktop, logic, pair, result_folder, tmp_path
):
    logic.machine.python = fake_python.finishing(tmp_path, result_folder)
    controller = begin(logic, pair)
    desktop.wait_until(lambda: controller.state.done > 0)
    scene = slicer.mrmlScene
    scene.StartState(scene.ImportState)
    count = scene.GetNumberOfNodes()
    desktop.process_events(1.5)  # the process has ended by then
    assert scene.GetNumberOfNodes() == count and not controller.ended
    scene.EndState(scene.ImportState)
    assert wait(desktop, controller).phase.value == "finished" and controller.result is not None
