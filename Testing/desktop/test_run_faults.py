"""What goes wrong outside is told in words, and leaves neither a process nor a file behind."""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path

import pytest
import slicer
from support import fake_python
from support.phantom import FIXED, MOVING
from support.scene_volumes import add_volume

from TTAUncertaintyLib.controls.run_choices import RunChoices

pytest_plugins = ["support.module_desktop"]


def begin(logic, pair, **options):
    return logic.startRun(fixedVolume=pair[0], movingVolume=pair[1], preset="quick", **options)


def ended(desktop, controller, seconds=20):
    """Wait for the end; hold the run to having cleaned up."""
    pid = controller._preparation.run.pid if controller._preparation.run else None
    desktop.wait_until(lambda: controller.ended, seconds)
    pid = pid or (controller._preparation.run.pid if controller._preparation.run else None)
    if pid is not None:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert list(Path(slicer.app.temporaryPath).glob("ttauncertainty-*")) == []
    return controller.state


@pytest.mark.parametrize(
    ("fault", "said", "exit_code"),
    [
        ("killed", "ran out of memory", 6),
        ("crash", "the sky fell", 6),
        ("garbage", "ended unexpectedly", 6),
        ("disk full", "disk is too full", 4),
        ("no torch", "PyTorch is missing", 7),
    ],
)
def test_a_process_that_fails_is_explained(desktop, logic, pair, tmp_path, fault, said, exit_code):
    logic.machine.python = fake_python.failing(tmp_path, fault)
    finished = []
    state = ended(desktop, begin(logic, pair, onFinished=finished.append))
    assert state.phase.value == "failed"
    assert said in state.problem
    assert state.remedy
    assert state.exit_code == exit_code
    assert finished == [None]
    assert logic.results() == []


def test_a_process_that_hangs_is_ended(desktop, logic, pair, tmp_path):
    from TTAUncertaintyPanel.runs import RunController

    logic.machine.python = fake_python.failing(tmp_path, "hung")
    choices = RunChoices(fixedVolume=pair[0], movingVolume=pair[1])
    state = ended(desktop, RunController(choices, logic.machine, silence_s=1.5))
    assert state.phase.value == "failed"
    assert "hung" in state.problem


def test_a_process_that_ignores_being_cancelled_is_gone_within_five_seconds(
    desktop, logic, pair, tmp_path
):
    logic.machine.python = fake_python.failing(tmp_path, "hung")
    controller = begin(logic, pair)
    desktop.wait_until(lambda: controller.state.done > 0)
    began = time.monotonic()
    controller.cancel()
    assert ended(desktop, controller).phase.value == "cancelled"
    assert time.monotonic() - began < 5.5


def test_a_result_that_is_damaged_leaves_nothing_half_loaded(desktop, logic, pair, tmp_path):
    logic.machine.python = fake_python.failing(tmp_path, "half a result")
    before = slicer.mrmlScene.GetNumberOfNodes()
    state = ended(desktop, begin(logic, pair, output=tmp_path / "half"))
    assert state.phase.value == "failed"
    assert "damaged" in state.problem
    assert str(tmp_path / "half") in state.remedy
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_no_room_for_the_inputs_is_told_before_any_process_starts(desktop, logic, pair, tmp_path):
    logic.machine.python = fake_python.failing(tmp_path, "hung")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        controller = begin(logic, pair)
        state = ended(desktop, controller)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert controller._preparation.run is None
    assert state.phase.value == "failed"
    assert state.remedy


def test_an_interpreter_that_is_not_there_is_named(desktop, logic, pair, tmp_path):
    logic.machine.python = tmp_path / "kein Python"
    state = ended(desktop, begin(logic, pair))
    assert state.phase.value == "failed"
    assert "kein Python" in state.problem


def test_paths_with_spaces_and_umlauts_do_not_matter(desktop, logic, result_folder, tmp_path):
    place = tmp_path / "Ärger mit Öl & 'Äpfeln'"
    logic.machine.python = fake_python.finishing(place / "Größe", result_folder)
    logic.machine.resultsFolder = place / "Übersicht"
    volumes = add_volume('Schädel/ñ: "?*', FIXED), add_volume("日本", MOVING)
    controller = begin(logic, volumes)
    assert ended(desktop, controller).phase.value == "finished"
    assert controller.state.output.is_relative_to(place / "Übersicht")
    kept = logic.saveResult(controller.result, place / "aufgehoben für später")
    assert (kept / "result.json").is_file()


def test_a_volume_deleted_before_it_is_written_is_told_or_still_used(desktop, logic, pair):
    controller = begin(logic, pair)
    slicer.mrmlScene.RemoveNode(pair[1])
    controller.cancel()
    assert ended(desktop, controller).phase.value in ("cancelled", "failed")
