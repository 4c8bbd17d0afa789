"""The logic as a script uses it: results loaded, saved and exported; the page about it is right."""

from __future__ import annotations

import json
import pathlib
import re
import sys
from pathlib import Path

import pytest
import slicer
from support import fake_python

pytest_plugins = ["support.module_desktop"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "SLICER_MODULE.md"


def test_a_result_folder_is_loaded_with_the_volumes_it_belongs_to(logic, pair, result_folder):
    result = logic.loadResult(result_folder, *pair)
    assert result.fixed is pair[0] and result.moving is pair[1]
    assert result.record["inputs"]["fixed"]
    assert result.maps and result.warped and result.transform
    (again,) = logic.results()
    assert again.node is result.node


def test_a_folder_that_is_no_result_is_refused_and_leaves_the_scene_alone(logic, tmp_path):
    from TTAUncertaintyLib.errors import InputError

    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match="not a result folder"):
        logic.loadResult(tmp_path)
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_a_saved_result_is_the_same_result(logic, pair, result_folder, tmp_path):
    result = logic.loadResult(result_folder, *pair)
    folder = logic.saveResult(result, tmp_path / "aufgehoben" / "Ergebnis")

    def content(place):
        return {p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()}

    assert content(folder) == content(result_folder)
    assert logic.loadResult(folder).record == result.record


def test_saving_does_not_write_over_anything(logic, pair, result_folder, tmp_path):
    from TTAUncertaintyLib.errors import OutputError

    result = logic.loadResult(result_folder, *pair)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds other things"):
        logic.saveResult(result, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.txt"]


def test_a_result_whose_files_are_gone_or_damaged_is_not_saved(
    logic, pair, result_folder, tmp_path
):
    from TTAUncertaintyLib.errors import InputError

    kept = logic.saveResult(logic.loadResult(result_folder, *pair), tmp_path / "kept")
    result = logic.loadResult(kept)
    (kept / json.loads((kept / "result.json").read_text())["files"]["warped"]).unlink()
    with pytest.raises(InputError, match="not complete"):
        logic.saveResult(result, tmp_path / "copy")
    kept.rename(tmp_path / "moved away")
    with pytest.raises(InputError, match="Save the scene"):
        logic.saveResult(result, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_choices_are_not_changed_by_a_run(logic, pair):
    from TTAUncertaintyLib.errors import InputError

    parameters = logic.getParameterNode()
    parameters.fixedVolume = pair[0]
    before = {name: getattr(parameters, name) for name in parameters.allParameters}
    with pytest.raises(InputError, match="moving volume"):
        logic.startRun(parameters, preset="paper")
    assert {name: getattr(parameters, name) for name in parameters.allParameters} == before


def test_every_choice_reaches_the_job(logic, pair, tmp_path):
    from TTAUncertaintyPanel.jobs import job_within

    from TTAUncertaintyLib.controls.run_choices import RunChoices

    machine = logic.machine
    machine.device, machine.precision, machine.batchSize, machine.threads = "cpu", "bf16", 3, 2
    machine.setWeightsFile("pyramid-flow", tmp_path / "w.safetensors")
    first = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    choices = RunChoices(
        *pair, initialTransform=first, start="mass", keepRegistrations=True, seed=7
    ).changed(outer=12)
    job = job_within(tmp_path, choices, machine, tmp_path / "out")
    assert (job.device, job.precision.value, job.batch_size, job.threads) == ("cpu", "bf16", 3, 2)
    assert job.weights == tmp_path / "w.safetensors"
    assert (job.start.value, job.keep_registrations) == ("mass", True)
    assert (job.design.seed, job.design.outer) == (7, 12)
    assert job.initial_transform == tmp_path / "initial_transform.tfm"
    assert (job.transform, job.transform_name, job.moving_labels) == ((), None, None)
    assert job.previews is not None
    assert (job.fixed_name, job.moving_name) == tuple(node.GetName() for node in pair)
    assert type(job).from_json(job.to_json()) == job


def test_an_audit_with_labels_and_masks_reaches_the_job(logic, pair, tmp_path):
    from TTAUncertaintyPanel.jobs import job_within

    from TTAUncertaintyLib.controls.run_choices import RunChoices

    given = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "demons of yesterday")
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "atlas")
    masks = dict.fromkeys(("movingLabels", "fixedMask", "movingMask", "leaveOut"), labels)
    choices = RunChoices(*pair, registration=given, keepRegistrations=True, **masks)
    job = job_within(tmp_path, choices, logic.machine, tmp_path / "out")
    assert (job.transform, job.transform_name) == (
        (tmp_path / "transform.nrrd",),
        "demons of yesterday",
    )
    assert job.moving_labels == tmp_path / "moving_labels.seg.nrrd"
    assert (job.fixed_mask, job.moving_mask, job.leave_out) == tuple(
        tmp_path / f"{name}.seg.nrrd" for name in ("fixed_mask", "moving_mask", "leave_out")
    )
    assert not job.keep_registrations


def test_reloading_reads_every_file_again(logic, module):
    from TTAUncertaintyPanel.library import reload_library

    reload_library()
    left = [name for name in sys.modules if name.partition(".")[0] == "TTAUncertaintyLib"]
    assert left == []
    fresh = module.TTAUncertaintyLogic()
    assert type(fresh) is not type(logic)
    assert type(fresh).__name__ == "TTAUncertaintyLogic"
    assert fresh.getParameterNode().preset == "standard"
    fresh.close()


def test_the_library_of_this_checkout_goes_before_one_that_pip_installed(module, monkeypatch):
    from TTAUncertaintyPanel.library import ensure_library

    root = str(PAGE.parents[1])
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    assert str(ensure_library()) == root
    ensure_library()
    assert sys.path == [root, "/elsewhere"]


def test_a_library_that_is_missing_is_told(module, tmp_path):
    from TTAUncertaintyPanel.library import library_parent

    with pytest.raises(FileNotFoundError, match="install the extension"):
        library_parent(tmp_path / "qt-scripted-modules")


@pytest.mark.slow
def test_the_examples_of_the_page_run(desktop, logic, pair, capsys):
    from TTAUncertaintyLib.controls.run_choices import RunChoices

    for node, name in zip(pair, ("phantom", "shifted phantom"), strict=True):
        node.SetName(name)
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) >= 6
    space = {"slicer": slicer, "pathlib": pathlib, "RunChoices": RunChoices}
    for number, example in enumerate(examples):
        exec(compile(example, f"{PAGE.name}, example {number + 1}", "exec"), space)
    said = capsys.readouterr().out
    assert "Finished cpu" in said
    assert "Total uncertainty mm" in said
    assert "Take 12 perturbations" in said
    assert "no result" in said
    assert "Lack.WEIGHTS" in said
    space["logic"].close()


def test_a_run_and_a_loaded_folder_give_the_same_maps(
    desktop, logic, pair, result_folder, tmp_path
):
    """Both show a map wherever the fixed or the warped image has anatomy."""
    import numpy as np

    logic.machine.python = fake_python.finishing(tmp_path, result_folder)
    run = logic.startRun(fixedVolume=pair[0], movingVolume=pair[1], waitForCompletion=True)
    loaded = logic.loadResult(result_folder, *pair)
    alone = logic.loadResult(result_folder)
    for kind, node in run.result.maps.items():
        one, other = (slicer.util.arrayFromVolume(n) for n in (node, loaded.maps[kind]))
        assert np.array_equal(one, other, equal_nan=True)
        fewer = slicer.util.arrayFromVolume(alone.maps[kind])
        assert np.isfinite(fewer).sum() <= np.isfinite(one).sum()
