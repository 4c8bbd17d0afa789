"""Whether a run can begin: the first reason against it, in words that say what to do."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import slicer
from support.phantom import FIXED
from support.scene_volumes import add_volume

from TTAUncertaintyLib.controls.run_choices import RunChoices

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def choices(logic, pair):
    """Choices with which a run can begin."""
    return RunChoices(fixedVolume=pair[0], movingVolume=pair[1])


def node(kind, name):
    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


def test_two_volumes_and_the_bundled_network_are_enough(logic, choices):
    assert logic.reasonNotToRun(choices) == ""


def test_reasons_come_in_the_order_of_the_panel(logic, choices):
    empty = RunChoices(model="lapirn", customise=True, outer=1)
    assert "fixed volume" in logic.reasonNotToRun(empty)
    one = empty.changed(fixedVolume=choices.fixedVolume)
    assert "moving volume" in logic.reasonNotToRun(one)
    twice = one.changed(movingVolume=choices.fixedVolume)
    assert "different" in logic.reasonNotToRun(twice)
    both = one.changed(movingVolume=choices.movingVolume)
    assert "weights" in logic.reasonNotToRun(both)
    bundled = both.changed(model="pyramid-flow")
    assert "at least 2" in logic.reasonNotToRun(bundled)
    assert logic.reasonNotToRun(bundled.changed(customise=False)) == ""


def test_a_volume_that_cannot_be_registered_is_named(logic, choices):
    empty = node("vtkMRMLScalarVolumeNode", "nothing inside")
    assert "nothing inside" in logic.reasonNotToRun(choices.changed(movingVolume=empty))
    constant = add_volume("all the same", FIXED)
    slicer.util.updateVolumeFromArray(constant, np.zeros(FIXED.array_shape, np.float32))
    assert "all the same" in logic.reasonNotToRun(choices.changed(fixedVolume=constant))


def test_only_a_linear_initial_transform_will_do(logic, choices):
    linear = node("vtkMRMLLinearTransformNode", "linear")
    assert logic.reasonNotToRun(choices.changed(initialTransform=linear)) == ""
    grid = node("vtkMRMLGridTransformNode", "bent")
    reason = logic.reasonNotToRun(choices.changed(initialTransform=grid))
    assert "bent" in reason and "linear" in reason


def test_structures_have_to_be_a_segmentation_or_a_label_map(logic, choices):
    segmentation = node("vtkMRMLSegmentationNode", "lobes")
    assert "no segments" in logic.reasonNotToRun(choices.changed(structures=segmentation))
    segmentation.GetSegmentation().AddEmptySegment("frontal")
    assert logic.reasonNotToRun(choices.changed(structures=segmentation)) == ""
    labels = node("vtkMRMLLabelMapVolumeNode", "labels")
    assert "no voxels" in logic.reasonNotToRun(choices.changed(structures=labels))
    reason = logic.reasonNotToRun(choices.changed(structures=choices.fixedVolume))
    assert "neither" in reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outer": 9}, "12"),
        ({"replicates": 0}, "replicate"),
        ({"translationMm": -1.0}, "translation_mm"),
        ({"translationMm": float("nan")}, "translation_mm"),
        ({"scalePercent": 100.0}, "collapse"),
        ({"seed": -1, "outer": 12}, "seed"),
        ({"family": "elastic"}, "random sampling"),
        ({"sampling": "dice"}, "sampling"),
        ({"preset": "hasty"}, "preset"),
    ],
)
def test_a_design_that_does_not_exist_is_told_before_the_run(logic, choices, changes, said):
    from dataclasses import replace

    reason = logic.reasonNotToRun(replace(choices, customise="preset" not in changes, **changes))
    assert said in reason


def test_an_elastic_design_with_random_sampling_can_begin(logic, choices):
    assert logic.reasonNotToRun(choices.changed(family="elastic", sampling="random")) == ""


@pytest.mark.parametrize("field", ["registration", "initialTransform"])
def test_a_moving_volume_is_not_moved_twice(logic, choices, field):
    inner = node("vtkMRMLLinearTransformNode", "inner")
    outer = node("vtkMRMLLinearTransformNode", "outer")
    inner.SetAndObserveTransformNodeID(outer.GetID())
    chosen = choices.changed(**{field: outer})
    assert logic.reasonNotToRun(chosen) == ""
    choices.movingVolume.SetAndObserveTransformNodeID(inner.GetID())
    assert "lies under outer already" in logic.reasonNotToRun(chosen)
    choices.movingVolume.SetAndObserveTransformNodeID(None)
    assert logic.reasonNotToRun(chosen) == ""


@pytest.mark.parametrize("field", ["structures", "movingLabels", "fixedMask", "leaveOut"])
def test_labels_without_anything_are_named(logic, choices, field):
    empty = node("vtkMRMLSegmentationNode", "nothing drawn")
    assert "nothing drawn has no segments" in logic.reasonNotToRun(
        choices.changed(**{field: empty})
    )
    volume = choices.changed(**{field: choices.movingVolume})
    assert "a segmentation or a label map" in logic.reasonNotToRun(volume)


def test_a_place_for_results_that_is_a_file_is_refused(logic, choices, tmp_path):
    (tmp_path / "file").touch()
    logic.machine.resultsFolder = tmp_path / "file" / "results"
    assert "results folder" in logic.reasonNotToRun(choices)
    logic.machine.resultsFolder = tmp_path / "not there yet"
    assert logic.reasonNotToRun(choices) == ""


def test_the_answer_is_quick_enough_for_every_change_in_the_panel(logic, choices):
    import time

    times = []
    for _ in range(20):
        began = time.process_time()
        logic.reasonNotToRun(choices.changed(preset="thorough"))
        times.append(time.process_time() - began)
    assert np.median(times) < 0.02


def test_the_parameter_node_and_a_script_begin_with_the_same_choices(logic):
    parameters = logic.getParameterNode()
    assert RunChoices.of(parameters) == RunChoices()
    assert {field.name for field in fields(RunChoices)} < set(parameters.allParameters)


def test_choices_survive_in_the_scene(logic, pair):
    parameters = logic.getParameterNode()
    parameters.fixedVolume = pair[0]
    parameters.preset = "thorough"
    parameters.translationMm = 1.25
    parameters.keepRegistrations = True
    again = logic.getParameterNode()
    assert again.fixedVolume is pair[0]
    assert (again.preset, again.translationMm, again.keepRegistrations) == ("thorough", 1.25, True)
