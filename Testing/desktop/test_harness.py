"""The harness runs a module as Slicer does: opened, filled in, pressed, closed, reopened, reloaded.

These tests are for the stand-ins and for Slicer's own Python layer alike: run them a second time
with TTAUNCERTAINTY_SLICER_PYTHON naming a folder that holds it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

EXAMPLE = Path(__file__).resolve().parents[1] / "support/desktop/example/DesktopExample.py"


@pytest.fixture
def module(desktop):
    return desktop.load_module(EXAMPLE)


@pytest.fixture
def panel(desktop, module):
    return desktop.open("DesktopExample")


def volume(name="brain"):
    return slicer.util.addVolumeFromArray(np.zeros((4, 5, 6)), name=name)


def test_the_module_describes_itself_before_it_is_opened(desktop, module):
    assert slicer.modules.desktopexample.title == "Desktop example"
    assert slicer.util.modulePath("DesktopExample") == str(EXAMPLE)
    assert isinstance(slicer.modules.DesktopExampleInstance, module.DesktopExample)
    assert not hasattr(slicer.modules, "DesktopExampleWidget")


@pytest.mark.stand_ins
def test_samples_are_registered_when_slicer_has_started(desktop, module):
    import SampleData

    assert SampleData.SampleDataLogic.sources == []
    desktop.start_up()
    assert [source["sampleName"] for source in SampleData.SampleDataLogic.sources] == ["One"]


def test_widgets_show_the_defaults_and_the_limits_of_the_parameters(panel):
    ui = panel.ui
    assert ui.opacitySlider.value == 0.7
    assert (ui.passesBox.value, ui.passesBox.maximum) == (8, 50)
    assert ui.keepBox.checked is False
    assert ui.noteEdit.text == "nothing"


@pytest.mark.parametrize(
    ("widget", "change", "parameter", "value"),
    [
        ("opacitySlider", {"value": 0.25}, "opacity", 0.25),
        ("passesBox", {"value": 3}, "passes", 3),
        ("keepBox", {"checked": True}, "keep", True),
        ("noteEdit", {"text": "Größe"}, "note", "Größe"),
    ],
)
def test_a_widget_and_its_parameter_follow_each_other(panel, widget, change, parameter, value):
    parameters = panel.parameters
    before = getattr(parameters, parameter)
    ((attribute, shown),) = change.items()
    shown_before = getattr(getattr(panel.ui, widget), attribute)
    setattr(getattr(panel.ui, widget), attribute, shown)
    assert getattr(parameters, parameter) == value
    setattr(parameters, parameter, before)
    assert getattr(getattr(panel.ui, widget), attribute) == shown_before


def test_a_value_out_of_range_or_of_another_type_is_refused(panel):
    with pytest.raises(ValueError, match="2"):
        panel.parameters.opacity = 2.0
    with pytest.raises((TypeError, ValueError)):
        panel.parameters.note = 3
    assert panel.parameters.opacity == 0.7


def test_the_button_says_why_it_does_not_work_until_a_volume_is_chosen(panel):
    assert not panel.ui.runButton.enabled
    assert "Choose a fixed volume" in panel.ui.runButton.toolTip
    panel.ui.fixedSelector.setCurrentNode(volume())
    assert panel.ui.runButton.enabled
    assert panel.parameters.fixedVolume.GetName() == "brain"


def test_a_removed_node_is_no_longer_chosen(panel):
    node = volume()
    panel.parameters.fixedVolume = node
    assert panel.ui.fixedSelector.currentNode() is node
    slicer.mrmlScene.RemoveNode(node)
    assert panel.ui.fixedSelector.currentNode() is None
    assert panel.parameters.fixedVolume is None
    assert not panel.ui.runButton.enabled
    assert panel.seen == [node, None]


def test_left_alone_the_panel_does_not_follow_the_parameters(desktop, panel):
    parameters = panel.parameters
    desktop.leave()
    parameters.note = "changed meanwhile"
    assert panel.ui.noteEdit.text == "nothing"
    panel.ui.passesBox.value = 33
    assert parameters.passes == 8
    desktop.open("DesktopExample")
    assert panel.ui.noteEdit.text == "changed meanwhile"


def test_another_module_can_be_chosen_from_code(desktop, panel):
    slicer.util.selectModule("Volumes")
    assert not panel.parent.isEntered
    slicer.util.selectModule(slicer.modules.desktopexample)
    assert panel.parent.isEntered
    assert slicer.util.selectedModule() == "DesktopExample"


def test_closing_the_scene_brings_the_defaults_back(desktop, panel):
    panel.parameters.fixedVolume = volume()
    panel.parameters.note = "kept?"
    desktop.close_scene()
    assert panel.parameters.fixedVolume is None
    assert panel.ui.noteEdit.text == "nothing"
    assert panel.ui.fixedSelector.nodeCount() == 0


def test_parameters_survive_saving_and_opening_the_scene(desktop, panel, tmp_path):
    panel.parameters.fixedVolume = volume("bleibt")
    panel.parameters.opacity = 0.25
    panel.parameters.keep = True
    desktop.save_scene(tmp_path / "scene.mrb")
    desktop.open_scene(tmp_path / "scene.mrb")
    assert panel.parameters.fixedVolume.GetName() == "bleibt"
    assert panel.ui.fixedSelector.currentNode().GetName() == "bleibt"
    assert panel.ui.opacitySlider.value == 0.25
    assert panel.ui.keepBox.checked


def test_reloading_makes_a_new_panel_and_ends_the_old_one(desktop, panel, module):
    panel.parameters.note = "stays in the scene"
    fresh = desktop.reload(panel)
    assert panel.cleaned
    assert fresh is not panel
    assert type(fresh) is not type(panel)
    assert fresh.ui.noteEdit.text == "stays in the scene"
    assert fresh.parent.isEntered
    assert sys.modules["DesktopExample"] is not module


def test_reload_cleans_up_and_sets_up_and_does_not_enter(desktop, panel, monkeypatch):
    called = []

    def noted(name, function):
        return lambda self: (called.append(name), function(self))

    for name in ("cleanup", "exit"):
        monkeypatch.setattr(type(panel), name, noted(name, getattr(type(panel), name)))
    fresh = desktop.reload(panel)
    assert called == ["cleanup"]
    assert fresh.entered == 1  # by its own setup, which fetches the parameters


@pytest.fixture
def two_volumes(desktop, panel, tmp_path):
    """A saved scene: the parameters, the volume that they refer to, another volume."""
    panel.parameters.fixedVolume = volume("bleibt")
    panel.parameters.note = "filled"
    volume("bleibt auch")
    desktop.save_scene(tmp_path / "scene.mrb")
    return tmp_path / "scene.mrb"


def half_a_scene(panel):
    """Whether a scene is being imported, what the parameters say, how many volumes there are."""
    note = panel.parameters.note if panel.parameters else ""
    count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    return bool(slicer.mrmlScene.IsImporting()), note, count


def test_an_import_fills_the_parameters_before_their_nodes_are_there(desktop, panel, two_volumes):
    import vtk

    seen = []

    def follow(*_):
        event = vtk.vtkCommand.ModifiedEvent
        panel.parameters.AddObserver(event, lambda *_: seen.append(half_a_scene(panel)))

    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.StartImportEvent, follow)
    desktop.open_scene(two_volumes)
    slicer.mrmlScene.RemoveObserver(tag)
    assert (True, "filled", 0) in seen
    assert half_a_scene(panel) == (False, "filled", 2)


@pytest.mark.stand_ins  # a real Slicer does so after a second only
def test_an_import_turns_the_event_loop_while_half_of_the_scene_is_there(
    desktop, panel, two_volumes
):
    import qt

    timer, seen = qt.QTimer(), []
    timer.timeout.connect(lambda: seen.append(half_a_scene(panel)))
    timer.start()
    desktop.open_scene(two_volumes)
    timer.stop()
    assert (True, "filled", 1) in seen
    assert seen[-1] == (False, "filled", 2)


def test_a_panel_that_is_left_is_taken_out_of_the_window_and_put_back(desktop, panel):
    desktop.leave()
    assert panel.parent.parent() is None
    assert not panel.parent.visible
    assert desktop.open("DesktopExample") is panel
    assert panel.parent.visible
    assert panel.parent.parent() is not None


def test_the_first_layout_is_number_nought_drawn_as_four_up(desktop_with_views):
    manager = slicer.app.layoutManager()
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutInitialView == 0
    assert set(manager.sliceViewNames()) == {"Red", "Green", "Yellow"}
    assert manager.threeDViewCount == 1


def test_a_press_a_question_and_a_timer_work_together(desktop, panel):
    panel.parameters.fixedVolume = volume()
    desktop.answer(False, True)
    panel.ui.runButton.click()
    assert not panel.timer.active
    panel.ui.runButton.click()
    desktop.wait_until(lambda: len(desktop.messages) == 3, seconds=10)
    assert panel.ui.progress.value == 8
    assert [m.kind for m in desktop.messages] == ["question", "question", "information"]
    assert desktop.messages[-1].text == "Done"


def test_the_self_test_runs(desktop, module):
    slicer.selfTests["DesktopExample"](msec=0)
    assert len(module.DesktopExampleTest.ran) == 1


def test_quitting_cleans_the_module_up(desktop, panel):
    heard = []
    slicer.app.aboutToQuit.connect(lambda: heard.append("quit"))
    desktop.quit()
    assert heard == ["quit"]
    assert panel.cleaned


def test_there_may_be_one_desktop_after_another(desktop, panel):
    from support.desktop import Desktop

    panel.parameters.note = "of the first"
    desktop.close()
    with Desktop(views=False) as second:
        second.load_module(EXAMPLE)
        assert second.open("DesktopExample").parameters.note == "nothing"
