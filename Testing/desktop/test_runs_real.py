"""One run with everything on: the real process, the bundled network, transforms, previews, kept."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

pytest_plugins = ["support.module_desktop"]


def linear_transform(name, matrix):
    """Add a linear transform to parent (RAS) to the scene."""
    import vtk

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    to_parent = vtk.vtkMatrix4x4()
    to_parent.DeepCopy(matrix.ravel().tolist())
    node.SetMatrixTransformToParent(to_parent)
    return node


@pytest.mark.slow
def test_a_volume_far_away_is_registered_as_the_person_sees_it(desktop, logic, pair, tmp_path):
    import vtk

    fixed, moving = pair
    angle = np.radians(25)
    placed = np.eye(4)
    placed[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    placed[:3, 3] = 90, -20, 35  # further than a head is wide: no overlap is left
    seen = linear_transform("where the person put it", placed)
    moving.SetAndObserveTransformNodeID(seen.GetID())
    back = linear_transform("brings it back", np.linalg.inv(placed))

    previews, states = [], []
    controller = logic.startRun(
        fixedVolume=fixed,
        movingVolume=moving,
        initialTransform=back,
        preset="quick",
        keepRegistrations=True,
        output=tmp_path / "Ergebnis",
        onState=states.append,
        onPreview=lambda nodes: previews.append((nodes.total, nodes.warped)),
        waitForCompletion=True,
    )
    result = controller.result

    # the middle of the fixed head goes to the middle of the moving one, where it is seen
    to_moving = vtk.vtkGeneralTransform()
    result.transform.GetTransformFromWorld(to_moving)
    expected = (placed @ [-3, 2, 2, 1])[:3]
    assert np.linalg.norm(np.array(to_moving.TransformPoint(0, 0, 0)) - expected) < 2.5

    assert moving.GetTransformNodeID() == seen.GetID()
    phases = [state.phase.value for state in states]
    assert phases[0] == "starting" and phases[-1] == "finished"
    assert {"perturbing"} < set(phases)
    assert states[-1].done == states[-1].total == 10
    assert previews and all(warped is not None for _, warped in previews)
    assert logic.keptRegistrations(result).count == 8
    again = logic.loadResult(logic.saveResult(result, tmp_path / "copy"))
    assert logic.keptRegistrations(again).count == 8


@pytest.mark.slow
def test_a_run_stopped_early_keeps_what_there_is(desktop, logic, pair):
    controller = logic.startRun(
        fixedVolume=pair[0], movingVolume=pair[1], preset="thorough", showPreview=False
    )
    desktop.wait_until(lambda: controller.state.done >= 4, 120)
    controller.stopAndKeep()
    desktop.wait_until(lambda: controller.ended, 60)
    assert controller.state.phase.value == "finished", controller.state.problem
    assert not controller.state.complete
    passes = controller.result.record["passes"]
    assert 2 <= passes["done"] < passes["asked"]
    assert controller.result.maps
    assert logic.keptRegistrations(controller.result) is None


@pytest.mark.slow
def test_a_provisional_map_that_cannot_be_shown_does_not_end_the_run(logic, pair, monkeypatch):
    from TTAUncertaintyLib.scene.live_preview import LivePreview

    tried = []

    def fail(_self):
        tried.append(True)
        raise RuntimeError("no memory for another volume")

    monkeypatch.setattr(LivePreview, "show", fail)
    controller = logic.startRun(
        fixedVolume=pair[0], movingVolume=pair[1], preset="quick", waitForCompletion=True
    )
    assert tried
    assert controller.state.phase.value == "finished"
    assert controller.result.maps


@pytest.mark.slow
def test_a_transform_of_the_scene_is_audited_with_labels_and_masks(desktop, logic, pair, tmp_path):
    """The volumes lie 4 mm apart; the transform under audit moves by 12 mm."""
    from support.module_desktop import FIXED

    from TTAUncertaintyLib.scene.arrays import add_volume

    fixed, moving = pair
    too_far = np.eye(4)
    too_far[0, 3] = 12
    given = linear_transform("from elsewhere", too_far)
    ball = np.zeros(FIXED.array_shape, np.uint8)
    ball[tuple(slice(n // 3, 2 * n // 3) for n in ball.shape)] = 3
    labels = add_volume(slicer.mrmlScene, "middle", ball, FIXED, labels=True)
    labels.CopyOrientation(moving)
    cavity = add_volume(slicer.mrmlScene, "cavity", (ball > 0) * ball, FIXED, labels=True)
    cavity.CopyOrientation(fixed)
    controller = logic.startRun(
        fixedVolume=fixed,
        movingVolume=moving,
        registration=given,
        movingLabels=labels,
        leaveOut=cavity,
        preset="quick",
        output=tmp_path / "audit",
        waitForCompletion=True,
    )
    record = controller.result.record
    assert (record["audit"]["name"], record["audit"]["kind"]) == ("from elsewhere", "linear")
    assert [each["name"] for each in record["labels"]["structures"]] == ["Label 3"]
    kinds = {kind.value for kind in controller.result.maps}
    assert "disagreement" in kinds and "total" not in kinds
    assert record["summary"]["maps"]["disagreement"]["median"] > 6
