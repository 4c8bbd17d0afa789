"""The section Review: what is found, decided and exported, and that none of it is lost."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import slicer
from support.panel_host import PanelHost
from support.phantom import FIXED

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.review import Verdict

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def host(logic):
    from TTAUncertaintyPanel.review_section import ReviewSection

    made = PanelHost(logic, [ReviewSection])
    made.enter()
    yield made
    made.close()


@pytest.fixture
def reviewing(desktop, host, pair, result_folder):
    """The host with a result under review whose total map has three known places."""
    host.parameters.hotSpotThresholdMm = 1.0
    result = host.logic.loadResult(result_folder, *pair)
    with_places(result)
    host.setResult(result)
    host.ui.reviewSection.collapsed = False
    desktop.wait_until(lambda: host.ui.hotSpotsTable.rowCount == 3)
    return host


def with_places(result):
    """Give the total map three bumps, 3, 2 and 1.5 mm high."""
    import slicer.util

    node = result.maps[MapKind.TOTAL]
    values = np.full(FIXED.array_shape, 0.2, np.float32)
    for peak, (k, j, i) in ((2.0, (8, 18, 15)), (3.0, (16, 26, 6)), (1.5, (16, 12, 10))):
        values[k - 2 : k + 3, j - 2 : j + 3, i - 2 : i + 3] = 0.9 * peak
        values[k, j, i] = peak
    slicer.util.updateVolumeFromArray(node, values)


def halves(pair):
    """A label map of the two halves of the fixed image."""
    import slicer.util

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "halves")
    labels = np.ones(FIXED.array_shape, np.uint8)
    labels[: len(labels) // 2] = 2
    slicer.util.updateVolumeFromArray(node, labels)
    slicer.vtkMRMLVolumeNode.CopyOrientation(node, pair[0])
    return node


def button(ui, row, value):
    """Return a verdict's button in the row "spot" or "overall"."""
    row = getattr(ui, f"{row}VerdictButtons")
    return next(child for child in row.children() if child.objectName == value)


def cells(table, row):
    return [table.item(row, column).text() for column in range(table.columnCount)]


def points_in_scene(result):
    from TTAUncertaintyLib.scene.hot_spots import spots_role

    nodes = {verdict: result.reference(spots_role(verdict)) for verdict in Verdict}
    return {v.value: n.GetNumberOfControlPoints() for v, n in nodes.items() if n is not None}


def say(edit, text):
    edit.text = text
    edit.editingFinished.emit()


def test_without_a_result_there_is_nothing_to_review(host):
    assert not host.ui.noReviewLabel.isHidden() and host.ui.reviewContents.isHidden()


def test_nothing_is_put_into_the_views_before_the_section_is_unfolded(
    desktop, host, pair, result_folder
):
    host.setResult(host.logic.loadResult(result_folder, *pair))
    assert points_in_scene(host.result) == {}
    host.ui.reviewSection.collapsed = False
    desktop.wait_until(lambda: host.ui.hotSpotsTable.rowCount > 0)
    assert sum(points_in_scene(host.result).values()) == host.ui.hotSpotsTable.rowCount > 0
    host.ui.reviewSection.collapsed = True
    assert points_in_scene(host.result) == {}


def test_places_are_ranked_with_numbers_and_their_units(reviewing):
    table = reviewing.ui.hotSpotsTable
    headings = [table.horizontalHeaderItem(n).text() for n in range(table.columnCount)]
    assert headings[1:5] == ["Peak\nmm", "Mean\nmm", "cm³", "Place\nmm"]
    assert [cells(table, row)[1] for row in range(3)] == ["3.00", "2.00", "1.50"]
    assert [cells(table, row)[2] for row in range(3)] == ["2.70", "1.80", "1.35"]
    assert cells(table, 0)[3] == f"{125 * FIXED.voxel_volume / 1000:.1f}"
    x, y, _ = FIXED.to_world([6, 26, 16])
    side, front = ("R" if x < 0 else "L"), ("A" if y < 0 else "P")
    where = cells(table, 0)[4].replace("\u00a0", " ")
    assert where.startswith(f"{side} {abs(x):.0f}, {front} {abs(y):.0f}, ")
    assert reviewing.ui.hotSpotSlider.suffix == " mm"


def test_the_table_of_places_fills_its_width(desktop, reviewing, pair):
    table = reviewing.ui.hotSpotsTable
    reviewing.window.show()

    def left_over():
        desktop.process_events(0.4)
        shown = [n for n in range(table.columnCount) if not table.isColumnHidden(n)]
        return table.viewport().width - sum(table.columnWidth(n) for n in shown)

    reviewing.window.resize(480, 900)
    assert left_over() == 0
    reviewing.parameters.structures = halves(pair)
    assert left_over() == 0


def test_a_click_on_a_row_takes_the_views_there(reviewing):
    reviewing.ui.hotSpotsTable.selectRow(1)
    assert reviewing.parameters.hotSpot == 1
    assert reviewing.ui.hotSpotPlaceLabel.text.startswith("2 of")


def test_the_keys_work_while_the_module_is_shown_and_only_then(reviewing):
    (section,) = reviewing.sections
    keys = {key.key.toString(): key for key in section._keys.shortcuts}
    assert set(keys) == {"Ctrl+Shift+N", "Ctrl+Shift+P"}
    keys["Ctrl+Shift+N"].activated.emit()
    assert reviewing.parameters.hotSpot == 0
    keys["Ctrl+Shift+P"].activated.emit()
    assert reviewing.parameters.hotSpot == reviewing.ui.hotSpotsTable.rowCount - 1
    assert all(key.isEnabled() for key in section._keys.shortcuts)
    reviewing.exit()
    assert not any(key.isEnabled() for key in section._keys.shortcuts)


def test_a_verdict_and_a_comment_belong_to_the_place_that_is_looked_at(reviewing):
    ui = reviewing.ui
    assert not ui.spotVerdictButtons.enabled
    ui.nextButton.click()
    button(ui, "spot", "reject").click()
    say(ui.spotCommentEdit, "beside the ventricle")
    ui.nextButton.click()
    assert ui.spotCommentEdit.text == "" and not button(ui, "spot", "reject").checked
    button(ui, "spot", "accept").click()
    table = ui.hotSpotsTable
    assert [cells(table, row)[-1] for row in (0, 1)] == ["reject", "accept"]
    count = table.rowCount
    assert points_in_scene(reviewing.result) == {"reject": 1, "accept": 1} | (
        {"open": count - 2} if count > 2 else {}
    )
    ui.previousButton.click()
    assert (
        ui.spotCommentEdit.text == "beside the ventricle" and button(ui, "spot", "reject").checked
    )


def test_a_second_press_takes_a_verdict_back(reviewing):
    ui = reviewing.ui
    ui.nextButton.click()
    button(ui, "spot", "check").click()
    button(ui, "spot", "check").click()
    assert not button(ui, "spot", "check").checked
    assert cells(ui.hotSpotsTable, 0)[-1] == ""
    button(ui, "overall", "reject").click()
    button(ui, "overall", "reject").click()
    assert not button(ui, "overall", "reject").checked


def test_each_map_is_reviewed_with_its_own_threshold(desktop, reviewing):
    reviewing.ui.hotSpotSlider.value = 1.2
    reviewing.parameters.mapKind = "inverse_consistency"
    title = "Inverse-consistency gap"
    desktop.wait_until(lambda: reviewing.ui.hotSpotsLabel.text.startswith(title), 3)
    assert reviewing.ui.hotSpotSlider.value != pytest.approx(1.2)
    reviewing.parameters.mapKind = "jacobian"  # has no unit: the review stays where it is
    desktop.process_events(0.4)
    assert reviewing.ui.hotSpotsLabel.text.startswith(title)
    reviewing.parameters.mapKind = "total"
    desktop.wait_until(lambda: reviewing.ui.hotSpotsLabel.text.startswith("Total"), 3)
    assert reviewing.ui.hotSpotSlider.value == pytest.approx(1.2)


def test_structures_have_numbers_and_name_the_places(desktop, reviewing, pair):
    ui = reviewing.ui
    ui.reviewTabs.currentIndex = 1
    assert "segmentation" in ui.structuresLabel.text and ui.structuresTable.isHidden()
    reviewing.parameters.structures = halves(pair)
    desktop.wait_until(lambda: ui.structuresTable.rowCount == 2, 3)
    assert ui.structuresTable.columnCount == 5  # no tolerance is shipped
    assert ui.toleranceSpin.text == "none"
    ui.toleranceSpin.value = 1.5
    desktop.wait_until(lambda: ui.structuresTable.columnCount == 6, 3)
    assert ui.structuresTable.horizontalHeaderItem(5).text() == "> 1.5 mm"
    assert cells(ui.structuresTable, 0)[5].endswith("%")
    assert cells(ui.hotSpotsTable, 0)[5].startswith("Label")
    assert reviewing.result.reference("table.structures") is not None


def test_structures_that_lie_elsewhere_are_told_in_words(desktop, reviewing, pair):
    node = halves(pair)
    node.SetOrigin(500, 500, 500)
    reviewing.ui.reviewTabs.currentIndex = 1
    reviewing.parameters.structures = node
    desktop.wait_until(lambda: "halves" in reviewing.ui.structuresLabel.text, 3)
    assert reviewing.ui.hotSpotsTable.rowCount > 0


def test_landmarks_are_measured_again_when_one_is_moved(desktop, reviewing):
    ui = reviewing.ui
    ui.reviewTabs.currentIndex = 2
    assert "same places on both images" in ui.landmarksLabel.text
    lists = []
    for name, at in (("landmarksFixed", (0, 0, 0)), ("landmarksMoving", (-3, 2, 2))):
        points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        points.AddControlPointWorld(at, "middle")
        lists.append(points)
        setattr(reviewing.parameters, name, points)
    desktop.wait_until(lambda: ui.landmarksTable.rowCount == 1, 3)
    name, before, after, value = cells(ui.landmarksTable, 0)
    assert name == "middle"
    assert float(before) == pytest.approx(np.sqrt(17), abs=0.01)
    assert float(after) < 2.0 and float(value) > 0
    lists[1].SetNthControlPointPositionWorld(0, (-30, 2, 2))
    desktop.wait_until(lambda: float(cells(ui.landmarksTable, 0)[1]) > 30, 3)
    lists[1].AddControlPointWorld((0, 0, 0), "alone")
    desktop.wait_until(lambda: "same order" in ui.landmarksLabel.text, 3)


def test_a_click_on_a_landmark_takes_the_views_to_it_on_the_fixed_image(desktop, reviewing):
    reviewing.ui.reviewTabs.currentIndex = 2
    places = {"landmarksFixed": [(3, -9, 5), (-7, 4, 11)], "landmarksMoving": [(0, 0, 0)] * 2}
    turned = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    turned.SetMatrixTransformToParent(matrix_of_a_turn())
    for name, at in places.items():
        points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        points.SetAndObserveTransformNodeID(turned.GetID())
        for place in at:
            points.AddControlPointWorld(place)
        setattr(reviewing.parameters, name, points)
    table = reviewing.ui.landmarksTable
    desktop.wait_until(lambda: table.rowCount == 2, 3)
    crosshair = reviewing.stage.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    for row in (1, 0):
        table.selectRow(row)
        assert crosshair.GetCrosshairRAS() == pytest.approx(places["landmarksFixed"][row])


def matrix_of_a_turn():
    import vtk

    turn = vtk.vtkTransform()
    turn.Translate(4, -2, 7)
    turn.RotateWXYZ(30, 1, 2, 3)
    return turn.GetMatrix()


def test_what_was_decided_survives_saving_and_opening_the_scene(desktop, reviewing, tmp_path):
    ui = reviewing.ui
    ui.nextButton.click()
    button(ui, "spot", "reject").click()
    say(ui.spotCommentEdit, "neben dem Ventrikel, groß")
    button(ui, "overall", "check").click()
    say(ui.overallCommentEdit, "ask Ö.")
    say(ui.reviewerEdit, "Dr. Näht")
    ui.toleranceSpin.value = 1.25
    rows = [cells(ui.hotSpotsTable, row) for row in range(ui.hotSpotsTable.rowCount)]
    desktop.save_scene(tmp_path / "scene.mrb")
    desktop.close_scene()
    assert ui.reviewContents.isHidden()
    assert ui.overallCommentEdit.text == "" or ui.reviewContents.isHidden()
    desktop.open_scene(tmp_path / "scene.mrb")
    assert [cells(ui.hotSpotsTable, row) for row in range(ui.hotSpotsTable.rowCount)] == rows
    assert ui.hotSpotSlider.value == pytest.approx(1.0)
    assert button(ui, "overall", "check").checked and ui.overallCommentEdit.text == "ask Ö."
    assert ui.reviewerEdit.text == "Dr. Näht"
    ui.hotSpotsTable.selectRow(0)
    assert ui.spotCommentEdit.text == "neben dem Ventrikel, groß"
    ui.reviewTabs.currentIndex = 1
    assert ui.toleranceSpin.value == pytest.approx(1.25)


def test_a_damaged_review_is_told_and_not_overwritten(host, pair, result_folder):
    result = host.logic.loadResult(result_folder, *pair)
    result.set_text("review", "{broken")
    host.setResult(result)
    host.ui.reviewSection.collapsed = False
    assert "damaged" in host.ui.noReviewLabel.text and host.ui.reviewContents.isHidden()
    assert result.text("review") == "{broken"


def table_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_exported_review_says_what_was_decided(desktop, reviewing, tmp_path):
    ui = reviewing.ui
    ui.nextButton.click()
    button(ui, "spot", "reject").click()
    say(ui.spotCommentEdit, "<b>far off</b>")
    (tmp_path / "thesis.txt").write_text("mine")
    desktop.answer(str(tmp_path))
    ui.exportButton.click()
    desktop.wait_until(lambda: "Written" in ui.exportLabel.text)
    assert reviewing.problems == []
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert table_of(folder / "hot_spots.csv")[0]["Verdict"] == "Rejected"
    page = (folder / "review.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;far off" in page
    assert "review.html" in ui.exportLabel.text
    desktop.answer(str(folder))  # a second time it is replaced where it lies
    ui.exportButton.click()
    desktop.wait_until(lambda: "Written" not in ui.exportLabel.text)
    desktop.wait_until(lambda: "Written" in ui.exportLabel.text)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_an_export_that_cannot_be_written_is_told(desktop, reviewing, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    desktop.answer(str(file))
    reviewing.ui.exportButton.click()
    desktop.wait_until(lambda: reviewing.problems)
    assert reviewing.ui.exportButton.enabled
    assert reviewing.problems and reviewing.ui.exportLabel.text == ""


def test_a_carried_structure_that_is_chosen_is_outlined(reviewing):
    ui = reviewing.ui
    assert ui.carriedTable.rowCount == 0  # nothing is listed before its tab is opened
    ui.reviewTabs.currentIndex = 1
    assert [cells(ui.carriedTable, row)[0] for row in (0, 1)] == ["Left half", "Right half"]
    assert "There are no intervals" in ui.carriedLabel.text
    ui.carriedTable.selectRow(1)
    node = reviewing.result.reference("outline_of_one")
    assert node.GetName() == "Outline of Right half" and node.GetDisplayVisibility()
