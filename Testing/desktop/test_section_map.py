"""The section Uncertainty map: choices reach the views, and a saved scene brings them back."""

from __future__ import annotations

import pytest
import slicer
from support.panel_host import PanelHost

from TTAUncertaintyLib.results import Bundle, MapKind

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def host(logic):
    from TTAUncertaintyPanel.map_section import MapSection

    made = PanelHost(logic, [MapSection])
    made.enter()
    yield made
    made.close()


@pytest.fixture
def shown(host, pair, result_folder):
    """The host with a result on the screen."""
    host.setResult(host.logic.loadResult(result_folder, *pair))
    return host


@pytest.fixture
def desktop(desktop_with_views):
    """Views, so that layers can be seen."""
    return desktop_with_views


def layers(host, name="Red"):
    from TTAUncertaintyLib.scene.slices import composites

    node = composites(host.stage, (name,))[0]
    scene = host.stage.scene
    return scene.GetNodeByID(node.GetBackgroundVolumeID() or ""), scene.GetNodeByID(
        node.GetForegroundVolumeID() or ""
    )


def button(host, row, value):
    """Return a button of a row by the value that it stands for."""
    row = getattr(host.ui, f"{row}Buttons")
    return next(child for child in row.children() if child.objectName == value)


def choose(combo, row):
    combo.setCurrentIndex(row)
    combo.activated.emit(row)


def display(host, kind):
    return host.result.maps[MapKind(kind)].GetDisplayNode()


def test_without_a_result_the_section_says_how_to_get_one(host):
    assert not host.ui.noMapLabel.isHidden() and host.ui.mapContents.isHidden()
    assert "Run" in host.ui.noMapLabel.text


def test_a_result_is_on_the_screen_at_once(shown):
    assert host_is_showing(shown)
    background, foreground = layers(shown)
    assert background is shown.result.warped
    assert foreground is shown.result.maps[MapKind.TOTAL]
    assert shown.ui.mapCombo.currentText == "Total uncertainty (mm)"
    assert "passes" in shown.ui.resultLabel.text


def host_is_showing(host):
    return host.ui.noMapLabel.isHidden() and not host.ui.mapContents.isHidden()


def test_the_words_for_a_map_say_uncertainty_and_its_unit(shown):
    combo = shown.ui.mapCombo
    words = [combo.itemText(row) for row in range(combo.count)]
    assert words[0] == "Total uncertainty (mm)"
    assert not any("error" in word.lower() for word in words)


def test_sliders_change_the_look_and_nothing_else(shown):
    before = layers(shown)
    shown.ui.thresholdSlider.value = 0.1
    shown.ui.windowRange.setValues(0.0, 0.5)
    shown.ui.opacitySlider.value = 0.4
    node = display(shown, "total")
    assert node.GetLowerThreshold() == pytest.approx(0.1)
    assert node.GetWindowLevelMax() == pytest.approx(0.5)
    from TTAUncertaintyLib.scene.slices import composites

    assert composites(shown.stage)[0].GetForegroundOpacity() == pytest.approx(0.4)
    assert layers(shown) == before


def test_flicker_rests_while_another_module_is_shown(desktop, shown):
    from TTAUncertaintyLib.controls.map_controls import TURN_MS

    button(shown, "compare", "flicker").click()
    desktop.wait_until(lambda: button(shown, "background", "fixed").checked, 3)
    shown.exit()
    before = layers(shown)
    assert before[0] is shown.result.warped
    desktop.process_events(2.5 * TURN_MS / 1000)
    assert layers(shown) == before
    shown.tell("enter")
    desktop.wait_until(lambda: layers(shown) != before, 3)


def test_side_by_side_shows_fixed_warped_and_the_map_with_a_legend(desktop, shown):
    import numpy as np

    button(shown, "layout", "side-by-side").click()
    desktop.process_events(0.05)
    assert layers(shown, "TTAFixed") == (shown.result.fixed, None)
    assert layers(shown, "TTAWarped") == (shown.result.warped, None)
    assert layers(shown, "TTAMap")[1] is not None
    picture = desktop.picture("TTAMap").astype(int)
    legend = shown.stage.logic("Colors").GetColorLegendDisplayNode(layers(shown, "TTAMap")[1])
    legend.SetVisibility(False)
    without = desktop.picture("TTAMap").astype(int)
    assert (np.abs(picture - without).max(axis=-1) > 60).sum() > 300


def test_surfaces_in_3d_follow_the_threshold_when_it_rests(desktop, shown):
    from TTAUncertaintyLib.scene.map_in_3d import HIGH

    shown.ui.thresholdSlider.value = 0.05
    shown.ui.map3dCheck.click()
    high = shown.result.reference(HIGH)
    assert high.GetDisplayNode().GetVisibility()
    first = high.GetName()
    shown.ui.thresholdSlider.value = 0.1
    assert high.GetName() == first
    desktop.wait_until(lambda: high.GetName() != first, 3)
    shown.ui.map3dCheck.click()
    assert not high.GetDisplayNode().GetVisibility()


def test_what_cannot_be_shown_cannot_be_chosen_and_says_why(host, result_folder):
    host.setResult(host.logic.loadResult(result_folder))
    for one in (
        button(host, "background", "fixed"),
        button(host, "compare", "flicker"),
        button(host, "compare", "checkerboard"),
    ):
        assert not one.enabled
        assert "fixed volume" in one.toolTip
    assert "moving volume" in button(host, "background", "moving").toolTip
    host.parameters.compare = "checkerboard"  # as a scene that was saved with it
    assert layers(host)[0] is host.result.warped


def test_a_result_folder_is_opened_with_the_images_that_it_was_made_from(
    desktop, host, result_folder
):
    desktop.answer(str(result_folder))
    host.ui.openResultButton.click()
    assert host.busy is not None  # said while it goes on, and can be ended
    desktop.wait_until(lambda: host.result)
    assert host.problems == [] and host.busy is None
    assert host_is_showing(host)
    assert [host.result.fixed.GetName(), host.result.moving.GetName()] == ["fixed", "moving"]
    first = host.result
    desktop.answer(str(result_folder))
    host.ui.openResultButton.click()
    desktop.wait_until(lambda: host.result != first)
    assert host.result.fixed is first.fixed  # not loaded a second time
    assert host.ui.resultCombo.count == 2
    choose(host.ui.resultCombo, host.ui.resultCombo.findData(first.node.GetID()))
    assert host.result == first


def test_opening_a_result_can_be_cancelled_and_ends_with_the_scene(desktop, host, result_folder):
    for end in (lambda: host.busy[1](), desktop.close_scene):
        desktop.answer(str(result_folder))
        host.ui.openResultButton.click()
        end()
        desktop.process_events(1.0)
        assert host.busy is None and host.result is None and host.logic.results() == []
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_an_edited_image_is_not_taken_for_the_one_in_the_file(desktop, host, result_folder):
    desktop.answer(str(result_folder), str(result_folder))
    host.ui.openResultButton.click()
    desktop.wait_until(lambda: host.result)
    fixed, first = host.result.fixed, host.result
    slicer.util.updateVolumeFromArray(fixed, 0 * slicer.util.arrayFromVolume(fixed))
    host.ui.openResultButton.click()
    desktop.wait_until(lambda: host.result != first)
    assert host.result.fixed is not fixed


def test_a_folder_without_a_result_is_told_in_the_panel(desktop, host, tmp_path):
    desktop.answer(str(tmp_path))
    host.ui.openResultButton.click()
    desktop.wait_until(lambda: host.problems)
    assert "not a result folder" in host.problems[0]
    assert host.result is None


def copied(folder):
    return [path for path in folder.glob("*/result.json") if not path.parent.name.startswith(".")]


def test_a_result_is_copied_and_never_over_something_else(desktop, shown, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    desktop.answer(str(tmp_path), str(tmp_path))
    for count in (1, 2):
        shown.ui.saveResultButton.click()
        desktop.wait_until(lambda count=count: len(copied(tmp_path)) == count)
        desktop.wait_until(lambda: not shown.busy)
    copies = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    assert len(copies) == 2
    assert all(Bundle.open(copy).record == shown.result.record for copy in copies)
    assert str(copies[-1]) in shown.ui.resultLabel.text or str(copies[0]) in (
        shown.ui.resultLabel.text
    )


def test_a_result_that_is_removed_gives_way_to_the_one_that_is_left(
    desktop, shown, pair, result_folder
):
    first = shown.result
    second = shown.logic.loadResult(result_folder, *pair)
    shown.setResult(second)
    second.remove()
    desktop.wait_until(lambda: shown.result == first, 3)
    assert shown.ui.resultCombo.count == 1


def first_view():
    manager = slicer.app.layoutManager()
    return manager.sliceWidget(manager.sliceViewNames()[0]).mrmlSliceNode()


def test_a_saved_scene_brings_back_map_look_and_views(desktop, shown, tmp_path):
    choose(shown.ui.mapCombo, 1)
    kind = shown.parameters.mapKind
    shown.ui.thresholdSlider.value = 0.07
    shown.ui.windowRange.setValues(0.01, 0.33)
    shown.ui.opacitySlider.value = 0.45
    button(shown, "background", "fixed").click()
    view = first_view()
    width, height, _ = view.GetDimensions()
    view.SetFieldOfView(77, 77 * height / width, 1)  # else Slicer trims it to the view
    field = view.GetFieldOfView()
    desktop.save_scene(tmp_path / "scene.mrb")
    desktop.close_scene()
    assert not host_is_showing(shown)
    desktop.open_scene(tmp_path / "scene.mrb")
    assert shown.result is not None
    assert host_is_showing(shown)
    assert shown.parameters.mapKind == kind
    assert shown.ui.mapCombo.currentIndex == 1
    node = display(shown, kind)
    assert node.GetLowerThreshold() == pytest.approx(0.07)
    assert (node.GetWindowLevelMin(), node.GetWindowLevelMax()) == pytest.approx((0.01, 0.33))
    assert shown.ui.opacitySlider.value == pytest.approx(0.45)
    assert shown.ui.thresholdSlider.value == pytest.approx(0.07)
    assert layers(shown)[0] is shown.result.fixed
    view = first_view()
    # mm; a scene's file has six digits of the height, by which Slicer trims the width
    assert view.GetFieldOfView()[0] == pytest.approx(field[0], abs=1e-3)
