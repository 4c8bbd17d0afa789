"""What a module may rely on of Qt as PythonQt has it, of the widgets, of dialogs and of views."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import slicer

EXAMPLE = Path(__file__).resolve().parents[1] / "support/desktop/example/DesktopExample.py"


def volume(name, value=0.0):
    return slicer.util.addVolumeFromArray(np.full((4, 5, 6), value), name=name)


@pytest.fixture
def combo(desktop):
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    return box


def test_properties_are_attributes_and_setters_stay(desktop):
    import qt

    label = qt.QLabel("a")
    assert label.text == "a"
    label.text = "b"
    label.setToolTip("c")
    assert (label.text, label.toolTip, label.visible) == ("b", "<p>c</p>", False)
    label.objectName = "d"
    assert label.name == "d"
    with pytest.raises(TypeError):
        label.text()


def test_signals_are_named_by_a_string_or_by_an_attribute(desktop):
    import qt

    heard = []
    button = qt.QPushButton()
    button.checkable = True
    button.connect("clicked()", lambda: heard.append("named"))
    button.connect("toggled(bool)", heard.append)
    button.clicked.connect(lambda: heard.append("attribute"))
    button.click()
    assert heard == [True, "named", "attribute"]
    button.disconnect("toggled(bool)", heard.append)


@pytest.mark.stand_ins
def test_a_signal_that_is_not_there_is_an_error(desktop):
    import qt

    button = qt.QPushButton()
    with pytest.raises(ValueError, match="QPushButton has no signal pressedd"):
        button.connect("pressedd()", print)


@pytest.mark.stand_ins  # of which only the latest PythonQt has something like it
def test_what_pythonqt_does_not_have_is_not_here_either(desktop):
    import qt

    assert not hasattr(qt, "Signal")
    assert not hasattr(qt, "Slot")


def test_settings_are_private_to_the_desktop(desktop):
    import qt

    settings = qt.QSettings()
    settings.setValue("Example/threads", 3)
    settings.sync()
    assert desktop.folder in Path(settings.fileName()).parents
    assert int(qt.QSettings().value("Example/threads")) == 3


def test_a_combo_box_lists_its_kind_of_node_in_the_order_of_the_scene(combo):
    volume("first")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    combo.setMRMLScene(slicer.mrmlScene)
    hidden = volume("hidden")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")

    def names():
        return [combo.nodeFromIndex(i).GetName() for i in range(combo.nodeCount())]

    assert names() == ["first", "hidden", "labels"]
    hidden.SetHideFromEditors(True)
    combo.setMRMLScene(None)
    combo.setMRMLScene(slicer.mrmlScene)
    assert names() == ["first", "labels"]
    combo.showChildNodeTypes = False
    assert names() == ["first"]


@pytest.mark.parametrize("none_enabled", [False, True])
def test_a_combo_box_chooses_nothing_by_itself(combo, none_enabled):
    combo.noneEnabled = none_enabled
    combo.setMRMLScene(slicer.mrmlScene)
    first = volume("first")
    assert combo.currentNode() is None
    combo.setCurrentNode(first)
    volume("second")
    assert combo.currentNode() is first


def test_a_combo_box_forgets_a_node_that_is_removed(combo):
    combo.noneEnabled = True
    combo.setMRMLScene(slicer.mrmlScene)
    node = volume("first")
    combo.currentNodeID = node.GetID()
    assert combo.currentNode() is node
    slicer.mrmlScene.RemoveNode(node)
    assert combo.currentNode() is None
    assert combo.currentNodeID == ""


def test_a_combo_box_tells_a_change_once(combo):
    combo.noneEnabled = True
    combo.setMRMLScene(slicer.mrmlScene)
    node, heard = volume("first"), []
    combo.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    combo.connect("currentNodeChanged(bool)", heard.append)
    combo.setCurrentNode(node)
    combo.setCurrentNode(node)
    assert heard == [node, True]


def test_a_combo_box_can_be_held_to_an_attribute(combo):
    combo.addAttribute("vtkMRMLScalarVolumeNode", "Kind", "map")
    marked = volume("a map")
    marked.SetAttribute("Kind", "map")
    volume("an image")
    combo.setMRMLScene(slicer.mrmlScene)
    assert [combo.nodeFromIndex(i) for i in range(combo.nodeCount())] == [marked]


def test_a_foldable_section_hides_its_content_and_shows_it_again(desktop):
    desktop.load_module(EXAMPLE)
    ui = desktop.open("DesktopExample").ui
    assert ui.moreButton.collapsed
    assert not ui.moreLabel.visible
    ui.moreButton.collapsed = False
    desktop.process_events()
    assert ui.moreLabel.visible
    assert ui.moreLabel.height > 5
    ui.moreButton.collapsed = True
    assert not ui.moreLabel.visible


def test_a_range_widget_keeps_its_values_in_order_and_tells_once(desktop):
    import ctk

    box, heard = ctk.ctkRangeWidget(), []
    box.setRange(0, 10)
    box.connect("valuesChanged(double,double)", lambda low, high: heard.append((low, high)))
    box.setValues(2, 5)
    box.minimumValue = 7
    assert heard == [(2, 5), (5, 5)]
    box.setValues(2, 5)
    box.maximumValue = 1
    assert (box.minimumValue, box.maximumValue) == (2, 2)


def test_a_slider_holds_its_value_to_its_range(desktop):
    import ctk

    slider = ctk.ctkSliderWidget()
    slider.maximum = 4
    slider.value = 9
    assert slider.value == 4
    slider.minimum, slider.maximum = -2, 2
    assert (slider.value, slider.minimum) == (2, -2)


def test_a_question_without_an_answer_fails_and_a_file_dialog_gives_the_path(desktop):
    import qt

    with pytest.raises(AssertionError, match="Really"):
        slicer.util.confirmYesNoDisplay("Really?")
    desktop.answer("/folder/weights.safetensors")
    assert qt.QFileDialog.getOpenFileName(None, "Weights") == "/folder/weights.safetensors"
    slicer.util.errorDisplay("It is broken.", detailedText="why")
    assert desktop.messages[-1].kind == "error"
    assert desktop.messages[-1].detail == "why"


def test_an_exception_in_a_slot_or_an_observer_is_not_lost(desktop):
    import qt

    def fail(*_):
        raise KeyError("not caught")

    button = qt.QPushButton()
    button.clicked.connect(fail)
    button.click()
    assert len(desktop.errors) == 1
    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, fail)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    slicer.mrmlScene.RemoveObserver(tag)
    assert len(desktop.errors) == 2
    with pytest.raises(AssertionError, match="not caught"):
        desktop.close()


def test_a_node_gets_its_item_in_the_subject_hierarchy(desktop):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    assert hierarchy.GetItemByDataNode(volume("seen"))
    parameters = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    assert not hierarchy.GetItemByDataNode(parameters)


def test_volumes_are_loaded_and_saved_through_slicers_own_functions(desktop, tmp_path):
    assert slicer.util.saveNode(volume("one", 3.0), str(tmp_path / "ä one.nrrd"))
    again = slicer.util.loadVolume(str(tmp_path / "ä one.nrrd"))
    assert slicer.util.arrayFromVolume(again).max() == 3.0
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "missing.nrrd"))


def test_the_watch_sees_how_long_the_event_loop_was_held(desktop):
    import qt
    from support.desktop import EventLoopWatch

    qt.QTimer.singleShot(30, lambda: time.sleep(0.12))
    with EventLoopWatch() as watch:
        desktop.process_events(0.3)
    assert 110 < watch.longest_ms < 400
    assert len(watch.over(100)) == 1


def test_a_picture_of_a_widget_and_of_the_window_is_a_png(desktop, tmp_path):
    desktop.load_module(EXAMPLE)
    panel = desktop.open("DesktopExample")
    data = desktop.grab(panel.parent, tmp_path / "panel.png")
    assert data.startswith(b"\x89PNG")
    assert (tmp_path / "panel.png").read_bytes() == data
    assert len(desktop.grab()) > 1000


@pytest.mark.stand_ins
def test_views_of_a_layout_are_made_and_drawn_into_the_window(desktop_with_views, tmp_path):
    from PySide6.QtGui import QImage

    desktop = desktop_with_views
    node = volume("bright", 100.0)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevelMinMax(0, 100)
    layout = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    layout.AddLayoutDescription(
        900,
        """<layout type="horizontal">
        <item><view class="vtkMRMLSliceNode" singletontag="Fixed">
          <property name="orientation" action="default">Axial</property>
          <property name="viewcolor" action="default">#0000FF</property></view></item>
        <item><view class="vtkMRMLSliceNode" singletontag="Red"/></item></layout>""",
    )
    slicer.app.layoutManager().setLayout(900)
    assert set(slicer.app.layoutManager().sliceViewNames()) == {"Red", "Green", "Yellow", "Fixed"}
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    desktop.load_module(EXAMPLE)
    desktop.open("DesktopExample")
    desktop.screenshot(tmp_path / "window.png")
    image = QImage(str(tmp_path / "window.png"))
    middle = image.pixelColor(520 + (image.width() - 520) // 4, image.height() // 2)
    assert middle.red() > 200
    bar = image.pixelColor(520 + 200, 10)
    assert (bar.red(), bar.blue()) == (0, 255)


def test_views_come_back_when_the_scene_is_closed(desktop_with_views):
    desktop_with_views.close_scene()
    manager = slicer.app.layoutManager()
    assert all(manager.sliceWidget(n).mrmlSliceNode() for n in manager.sliceViewNames())
    assert manager.threeDWidget(0).mrmlViewNode() is not None


def test_a_scene_with_a_model_can_be_closed_more_than_once(desktop):
    for _ in range(2):
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
        desktop.close_scene()
    manager = slicer.app.layoutManager()
    assert manager.layoutLogic().GetLayoutNode().GetLayoutDescription(manager.layout)
