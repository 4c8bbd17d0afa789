"""A review gathered from the scene and written: verdicts, structures, landmarks and pictures."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import slicer
from support.phantom import FIXED
from support.scene_volumes import add_volume

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.review import Verdict, decide

pytest_plugins = ["support.module_desktop"]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def result(logic, pair, result_folder):
    return logic.loadResult(result_folder, *pair)


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_review_without_anything_else_can_be_exported(logic, result, tmp_path):
    page = logic.exportReview(result, tmp_path / "Prüfung")
    text = page.read_text(encoding="utf-8")
    assert "Köpfchen" in text and "bewegtes Köpfchen" in text
    assert (tmp_path / "Prüfung" / "hot_spots.csv").is_file()
    assert not (tmp_path / "Prüfung" / "structures.csv").exists()


def test_verdicts_structures_landmarks_and_pictures_are_all_in_it(logic, result, pair, tmp_path):
    from support.hot_spots import find_spots

    from TTAUncertaintyLib.scene.review_state import keep_review, read_review

    parameters = logic.getParameterNode()
    parameters.toleranceMm = 0.25
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "halves")
    halves = np.ones(FIXED.array_shape, np.uint8)
    halves[: len(halves) // 2] = 2
    slicer.util.updateVolumeFromArray(labels, halves)
    like = slicer.vtkMRMLVolumeNode.CopyOrientation
    like(labels, pair[0])
    parameters.structures = labels
    for role, at in (("landmarksFixed", (0, 0, 0)), ("landmarksMoving", (-3, 2, 2))):
        points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", role)
        points.AddControlPointWorld(at, "middle")
        setattr(parameters, role, points)
    review = replace(read_review(result), reviewer="Dr. Ö", threshold_mm=0.05)
    spots = find_spots(result, review).spots
    assert spots
    review = decide(review, spots[0], Verdict.REJECT, "=too far <b>off</b>")
    keep_review(result, review.with_overall(Verdict.CHECK))

    page = logic.exportReview(result, tmp_path, {"axial, the worst place": PNG})
    text = page.read_text(encoding="utf-8")
    assert "Dr. Ö" in text and "Rejected" in text and "To be checked" in text
    assert "=too far &lt;b&gt;off" in text and "<b>off" not in text
    assert "axial, the worst place" in text
    first, *_ = table(tmp_path / "hot_spots.csv")
    assert first["Verdict"] == "Rejected"
    names = {row["Structure"] for row in table(tmp_path / "structures.csv")}
    assert len(names) == 2
    assert "Above 0.25 mm (%)" in table(tmp_path / "structures.csv")[0]
    (landmark,) = table(tmp_path / "landmarks.csv")
    assert float(landmark["TRE before (mm)"]) == pytest.approx(np.sqrt(17), abs=0.01)
    assert float(landmark["TRE after (mm)"]) < 2.0


def test_what_the_review_says_goes_before_what_the_panel_shows(logic, result):
    from TTAUncertaintyPanel.logic import review_content

    from TTAUncertaintyLib.scene.review_state import keep_review, read_review
    from TTAUncertaintyLib.scene.stage import Stage

    parameters = logic.getParameterNode()
    parameters.toleranceMm, parameters.hotSpotThresholdMm = 3.0, 0.4
    found = review_content(Stage.current(), result, parameters)().review
    assert (found.tolerance_mm, found.threshold_mm) == (3.0, 0.4)
    keep_review(result, replace(read_review(result), tolerance_mm=1.5, threshold_mm=0.2))
    found = review_content(Stage.current(), result, parameters)().review
    assert (found.tolerance_mm, found.threshold_mm) == (1.5, 0.2)


def test_structures_elsewhere_are_told_and_nothing_is_written(logic, result, tmp_path):
    from support.phantom import MOVING

    parameters = logic.getParameterNode()
    parameters.structures = add_volume("no labels", MOVING)
    with pytest.raises(InputError, match="neither"):
        logic.exportReview(result, tmp_path / "out")
    assert not (tmp_path / "out").exists()
