"""The section Inputs: first choices, samples, models and weights, presets, what is optional."""

from __future__ import annotations

import pytest
import slicer

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]


def choose(combo, text):
    """Choose an entry, as a person does."""
    row = combo.findText(text)
    assert row >= 0, text
    combo.setCurrentIndex(row)


# first choices


def test_the_first_two_volumes_are_chosen_in_the_order_they_came(desktop, panel):
    from support.module_desktop import FIXED, MOVING, add_volume

    first = add_volume("first", FIXED)
    desktop.process_events(0.05)
    assert panel.parameters.fixedVolume is first
    assert panel.parameters.movingVolume is None
    second = add_volume("second", MOVING, (3, -2, 2))
    desktop.process_events(0.05)
    assert panel.parameters.movingVolume is second


def test_what_a_person_has_chosen_is_never_changed(desktop, ready, pair):
    from support.module_desktop import FIXED, add_volume

    third = add_volume("third", FIXED)
    ready.parameters.fixedVolume = third
    add_volume("fourth", FIXED)
    desktop.process_events(0.2)
    assert ready.parameters.fixedVolume is third
    desktop.leave()
    desktop.open("TTAUncertainty")
    assert ready.parameters.fixedVolume is third
    assert ready.parameters.movingVolume is pair[1]


def test_only_volumes_that_can_be_registered_and_that_no_run_has_made_are_first_choices(
    desktop, panel, result_folder
):
    from support.module_desktop import FIXED, MOVING, add_volume

    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "no voxels")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "colour")
    panel.logic.loadResult(result_folder)
    desktop.process_events(0.05)
    assert panel.parameters.fixedVolume is None and panel.parameters.movingVolume is None
    fixed, moving = add_volume("fixed", FIXED), add_volume("moving", MOVING)
    desktop.process_events(0.05)
    assert panel.parameters.fixedVolume is fixed and panel.parameters.movingVolume is moving


def test_nothing_is_chosen_behind_the_back_of_somebody_in_another_module(desktop, panel):
    from support.module_desktop import FIXED, add_volume

    desktop.leave()
    volume = add_volume("later", FIXED)
    desktop.process_events(0.05)
    assert panel.parameters.fixedVolume is None
    desktop.open("TTAUncertainty")
    assert panel.parameters.fixedVolume is volume


def test_fixed_and_moving_change_places(ready, pair):
    ready.ui.swapButton.click()
    assert ready.parameters.fixedVolume is pair[1]
    assert ready.parameters.movingVolume is pair[0]


# samples


def test_an_empty_scene_offers_the_samples_and_a_click_loads_a_pair(desktop, panel):
    assert panel.ui.emptyLabel.visible
    panel.ui.emptyLabel.linkActivated.emit("sample:lesion")
    desktop.process_events(0.05)
    names = (panel.parameters.fixedVolume.GetName(), panel.parameters.movingVolume.GetName())
    assert names[0].startswith("MNI152") and "lesion" in names[1]
    assert not panel.ui.emptyLabel.visible
    assert panel.ui.runButton.enabled, panel.ui.reasonLabel.text


def test_a_loaded_sample_is_in_the_views(desktop_with_views):
    from support.module_desktop import MODULE

    desktop = desktop_with_views
    desktop.load_module(MODULE)
    panel = desktop.open("TTAUncertainty")
    panel.ui.emptyLabel.linkActivated.emit("sample:reference")
    assert desktop.picture("Red").astype(float).std() > 20  # a head on black


def test_samples_that_are_missing_are_a_message_in_the_panel(desktop, panel, monkeypatch):
    from TTAUncertaintyPanel import inputs_section

    def fail(_name):
        raise OSError("no such file")

    monkeypatch.setattr(inputs_section, "load_sample_pair", fail)
    panel.ui.emptyLabel.linkActivated.emit("sample:reference")
    assert "no such file" in panel.ui.messageLabel.text
    assert panel.ui.messageFrame.visible and desktop.messages == []


# presets


@pytest.mark.parametrize(("title", "passes"), [("Quick", 10), ("Thorough", 34), ("Paper", 52)])
def test_a_preset_says_what_it_costs_and_brings_its_numbers(ready, title, passes):
    choose(ready.ui.presetCombo, title)
    assert f"{passes} passes" in ready.ui.presetLabel.text
    parameters = ready.parameters
    assert parameters.outer * parameters.replicates + 2 == passes
    assert not parameters.customise


def test_after_a_run_a_preset_says_how_long_it_may_take(ready):
    from TTAUncertaintyPanel.pace import Pace

    assert "about" not in ready.ui.presetLabel.text
    machine = ready.logic.machine
    Pace(machine).note("pyramid-flow", passes=10, elapsed_s=30.0)
    ready.settingsChanged()
    assert "18 passes, about 55 s on this computer" in ready.ui.presetLabel.text
    machine.device = "cuda:0"  # another device, another pace
    ready.settingsChanged()
    assert "about" not in ready.ui.presetLabel.text


def test_a_pace_that_somebody_wrote_nonsense_into_is_no_pace(panel):
    import qt
    from TTAUncertaintyPanel.pace import Pace

    pace = Pace(panel.logic.machine)
    pace.note("pyramid-flow", 10, 30.0)
    (key,) = [key for key in qt.QSettings().allKeys() if "pace" in key]
    qt.QSettings().setValue(key, "soon")
    assert pace.seconds("pyramid-flow", 18) is None


# models and weights


def test_a_model_says_its_purpose_its_licence_and_its_weights(ready):
    text = ready.ui.modelLabel.text
    assert "skull-stripped" in text and "Apache-2.0" in text and "2.8 MB" in text
    assert not ready.ui.weightsRow.visible


def test_missing_weights_stop_the_run_and_can_be_chosen_from_a_file(desktop, ready, tmp_path):
    ui = ready.ui
    choose(ui.modelCombo, "LapIRN (OASIS, displacement)")
    assert ui.weightsRow.visible and not ui.runButton.enabled
    assert "weights" in ui.reasonLabel.text
    desktop.answer("")  # the person changes their mind
    ui.weightsButton.click()
    assert ui.weightsRow.visible
    file = tmp_path / "Gewichte für später.pth"
    file.write_bytes(b"x" * 2_500_000)
    desktop.answer(file)
    ui.modelLabel.linkActivated.emit("choose")
    assert ready.logic.machine.weightsFile("lapirn") == file
    assert not ui.weightsRow.visible and ui.runButton.enabled
    assert file.name in ui.modelLabel.text and "2.5 MB" in ui.modelLabel.text


def test_other_weights_of_the_bundled_model_can_be_taken_and_given_back(desktop, ready, tmp_path):
    file = tmp_path / "my <own>.safetensors"
    file.write_bytes(b"x")
    desktop.answer(file)
    ready.ui.modelLabel.linkActivated.emit("choose")
    assert ready.logic.machine.weightsFile("pyramid-flow") == file
    assert "my &lt;own&gt;.safetensors" in ready.ui.modelLabel.text
    ready.ui.modelLabel.linkActivated.emit("own")
    assert ready.logic.machine.weightsFile("pyramid-flow") is None
    assert "included" in ready.ui.modelLabel.text


def test_images_that_are_no_brains_are_offered_the_network_for_any_anatomy(desktop, panel):
    panel.ui.emptyLabel.linkActivated.emit("sample:lung")
    desktop.process_events(0.1)
    assert "not two skull-stripped" in panel.ui.modelLabel.text
    panel.ui.modelLabel.linkActivated.emit("offer")
    assert panel.parameters.model == "pyramid-flow-any"
    assert 'href="offer"' not in panel.ui.modelLabel.text
    slicer.mrmlScene.Clear(0)
    panel.ui.emptyLabel.linkActivated.emit("sample:reference")
    desktop.process_events(0.1)
    panel.parameters.model = "pyramid-flow-any"
    assert "are two skull-stripped" in panel.ui.modelLabel.text
    panel.ui.modelLabel.linkActivated.emit("offer")
    assert panel.parameters.model == "pyramid-flow"


# what is optional


def test_structures_and_a_first_transform_are_taken_and_let_go(desktop, ready):
    scene = slicer.mrmlScene
    labels = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "by hand")
    for selector, name, nodes in (
        (ready.ui.structures, "structures", (labels, segmentation)),
        (ready.ui.initialTransform, "initialTransform", (transform,)),
    ):
        for node in (*nodes, None):
            selector.setCurrentNode(node)
            assert getattr(ready.parameters, name) is node
        setattr(ready.parameters, name, nodes[0])
        assert selector.currentNode() is nodes[0]
