"""The review in the scene: what was found, what was decided, and that it stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vtk
from support.hot_spots import find_spots
from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.results import MapKind, read_transform
from TTAUncertaintyLib.review import Review, Verdict, decide, hot_spot_table
from TTAUncertaintyLib.scene.arrays import LPS_RAS, add_volume, array_of, lattice_of
from TTAUncertaintyLib.scene.hot_spots import (
    go_to_spot,
    hide_hot_spots,
    show_hot_spots,
    spots_role,
)
from TTAUncertaintyLib.scene.landmarks import fixed_to_moving, landmark_pairs, measure_landmarks
from TTAUncertaintyLib.scene.result import ResultNodes, results_in
from TTAUncertaintyLib.scene.review_state import (
    keep_review,
    map_volume,
    read_review,
    statistics_search,
)
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.structures import structures_on
from TTAUncertaintyLib.scene.tables import show_table, table_role


@pytest.fixture
def two_spots(result: ResultNodes) -> ResultNodes:
    """A map with two blocks that are known."""
    values = array_of(result.maps[MapKind.TOTAL])
    inside = np.isfinite(values)
    values[inside] = 0.1
    k, j, i = np.argwhere(inside).mean(axis=0).round().astype(int)
    values[k - 2 : k + 1, j - 2 : j + 1, i - 2 : i + 1] = 2.0
    values[k - 1, j - 1, i - 1] = 3.0
    values[k + 3 : k + 8, j + 3 : j + 8, i + 3 : i + 8] = 5.0
    return result


def test_hot_spots_are_points_at_their_peaks_in_ras(stage: Stage, two_spots: ResultNodes) -> None:
    found = find_spots(two_spots, Review(threshold_mm=1.0))
    assert [spot.spot.peak for spot in found.spots] == [5.0, 3.0]
    show_hot_spots(stage, two_spots, found)
    points = two_spots.reference(spots_role(Verdict.OPEN))
    assert points.GetNumberOfControlPoints() == 2
    assert points.GetNthControlPointLabel(0) == "1"
    values = array_of(two_spots.maps[MapKind.TOTAL])
    lattice = lattice_of(two_spots.maps[MapKind.TOTAL])
    for number in range(2):
        ras = [0.0] * 3
        points.GetNthControlPointPositionWorld(number, ras)
        i, j, k = lattice.to_voxel(np.array(ras) * [-1, -1, 1]).round().astype(int)
        assert values[k, j, i] == found.spots[number].spot.peak


def test_a_verdict_changes_the_colour_and_stays_with_its_place(
    stage: Stage, two_spots: ResultNodes
) -> None:
    review = Review(threshold_mm=1.0)
    first = find_spots(two_spots, review).spots[0]
    review = decide(review, first, Verdict.REJECT, "Sulcus falsch zugeordnet")
    found = find_spots(two_spots, review)
    show_hot_spots(stage, two_spots, found)
    rejected = two_spots.reference(spots_role(Verdict.REJECT))
    assert rejected.GetNthControlPointLabel(0) == "1"
    assert rejected.GetNthControlPointDescription(0) == "Sulcus falsch zugeordnet"
    assert two_spots.reference(spots_role(Verdict.OPEN)).GetNumberOfControlPoints() == 1
    # without the decision its node is gone, and hiding removes the rest
    show_hot_spots(stage, two_spots, find_spots(two_spots, Review()))
    assert two_spots.reference(spots_role(Verdict.REJECT)) is None
    hide_hot_spots(two_spots)
    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0


def test_points_of_hot_spots_cannot_be_dragged(stage: Stage, two_spots: ResultNodes) -> None:
    show_hot_spots(stage, two_spots, find_spots(two_spots, Review(threshold_mm=1.0)))
    points = two_spots.reference(spots_role(Verdict.OPEN))
    assert points.GetLocked()


def test_a_click_takes_the_views_to_the_spot(
    application_with_views: SlicerApplication, stage: Stage, two_spots: ResultNodes
) -> None:
    matched = find_spots(two_spots, Review(threshold_mm=1.0))
    go_to_spot(stage, matched, 2)
    for view in application_with_views.slice_views.values():
        node = view.logic.GetSliceNode()
        to_screen = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(node.GetXYToRAS(), to_screen)
        place = (*matched.spots[1].spot.position_ras_mm, 1.0)
        x, y, depth, _ = to_screen.MultiplyPoint(place)
        width, height, _ = node.GetDimensions()
        assert 0 < x < width and 0 < y < height and depth == pytest.approx(0, abs=0.01)


def test_the_review_survives_saving_and_opening_the_scene(
    application: SlicerApplication, stage: Stage, two_spots: ResultNodes, tmp_path: Path
) -> None:
    review = Review(reviewer="Dr. Ärztin", tolerance_mm=1.5, threshold_mm=1.0)
    review = decide(review, find_spots(two_spots, review).spots[1], Verdict.ACCEPT, "gut")
    review = review.with_overall(Verdict.CHECK, "noch einmal <ansehen>")
    keep_review(two_spots, review)
    show_hot_spots(stage, two_spots, find_spots(two_spots, review))
    assert application.save_scene(tmp_path / "s.mrb")
    application.open_scene(tmp_path / "s.mrb")
    (opened,) = results_in(stage.scene)
    assert read_review(opened) == review
    found = find_spots(opened, read_review(opened))
    assert [spot.verdict for spot in found.spots] == [Verdict.OPEN, Verdict.ACCEPT]
    assert found.elsewhere == ()
    assert opened.reference(spots_role(Verdict.ACCEPT)).GetNumberOfControlPoints() == 1


def test_tables_are_nodes_with_numbers_that_are_updated_in_place(
    stage: Stage, two_spots: ResultNodes
) -> None:
    volume = map_volume(two_spots, MapKind.TOTAL)
    review = Review(threshold_mm=1.0)
    node = show_table(stage, two_spots, hot_spot_table(find_spots(two_spots, review), volume))
    assert node.GetNumberOfRows() == 2
    peaks = node.GetTable().GetColumnByName("Peak (mm)")
    assert [peaks.GetValue(n) for n in range(2)] == [5.0, 3.0]
    assert node.GetTable().GetColumnByName("Verdict").GetValue(0) == "Not decided"
    fewer = Review(threshold_mm=4.0)
    again = show_table(stage, two_spots, hot_spot_table(find_spots(two_spots, fewer), volume))
    assert again is node
    assert node.GetNumberOfRows() == 1
    assert two_spots.reference(table_role("hot_spots")) is node


def test_structures_name_the_places_and_get_their_numbers(
    stage: Stage, two_spots: ResultNodes
) -> None:
    volume = two_spots.maps[MapKind.TOTAL]
    values, lattice = array_of(volume), lattice_of(volume)
    # what lies between the map's voxels is interpolated: the structure keeps away from the edge
    inner = values >= 5.0
    for axis in range(3):
        inner &= np.roll(inner, 1, axis) & np.roll(inner, -1, axis)
    labels = np.where(inner, 7, 0).astype(np.int16)
    node = add_volume(stage.scene, "labels", labels, lattice, labels=True)
    structures = structures_on(stage, node, two_spots.warped)
    review = Review(threshold_mm=1.0, tolerance_mm=4.0)
    spots = find_spots(two_spots, review, structures).spots
    assert spots[0].spot.structure == structures.names[7]
    assert spots[1].spot.structure == ""
    (total,) = [
        s for s in statistics_search(two_spots, review, structures)() if s.map_key == "total"
    ]
    assert (total.median, total.maximum, total.share_above) == (5.0, 5.0, 1.0)


def add_points(stage: Stage, name: str, points_ras: np.ndarray):
    node = stage.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    for number, point in enumerate(points_ras.tolist()):
        node.AddControlPointWorld(point, f"L{number + 1}")
    return node


def test_landmarks_that_the_registration_maps_onto_each_other_miss_by_nothing(
    stage: Stage, result: ResultNodes
) -> None:
    inside = np.argwhere(array_of(result.region) > 0)
    voxels = inside[:: max(1, len(inside) // 6), ::-1]
    fixed_lps = lattice_of(result.warped).to_world(voxels)
    moving_lps = fixed_to_moving(result)(fixed_lps)
    shift = np.array([0.0, 3.0, -4.0])
    fixed = add_points(stage, "fixed points", fixed_lps * [-1, -1, 1])
    moving = add_points(stage, "moving points", (moving_lps + shift) * [-1, -1, 1])
    found = measure_landmarks(result, fixed, moving)
    assert [f.after_mm for f in found] == pytest.approx([5.0] * len(found), abs=1e-3)
    total = map_volume(result, MapKind.TOTAL)
    assert found[2].at_fixed["total"] == pytest.approx(total.at(fixed_lps)[2], rel=1e-3)
    assert found[0].pair.name == "L1"


def test_the_scene_s_transform_maps_points_as_the_bundle_s_file_does(
    result: ResultNodes, made
) -> None:
    """Slicer interpolates the grid cubically, ITK linearly."""
    from TTAUncertaintyLib.review import point_map

    inside = np.argwhere(array_of(result.region) > 0)[::500, ::-1]
    points = lattice_of(result.warped).to_world(inside)
    ours, itk = fixed_to_moving(result)(points), point_map(read_transform(made.bundle))(points)
    assert np.abs(ours - itk).max() < 0.1
    assert np.linalg.norm(itk - points, axis=1).mean() > 1.0


def test_landmark_lists_that_do_not_fit_together_are_refused(
    stage: Stage, result: ResultNodes
) -> None:
    three = add_points(stage, "drei", np.zeros((3, 3)))
    two = add_points(stage, "zwei", np.zeros((2, 3)))
    with pytest.raises(InputError, match="drei has 3 points and zwei has 2"):
        landmark_pairs(three, two)
    with pytest.raises(InputError, match="same one"):
        landmark_pairs(two, two)
    result.refer("transform", None)
    with pytest.raises(InputError, match="was deleted"):
        measure_landmarks(result, two, add_points(stage, "z", np.zeros((2, 3))))


def test_frames_are_lps_inside_and_ras_outside() -> None:
    assert np.array_equal(LPS_RAS @ LPS_RAS, np.eye(4))


def test_a_reviewed_result_is_removed_with_its_tables(stage: Stage, two_spots: ResultNodes) -> None:
    found = find_spots(two_spots, Review(threshold_mm=1.0))
    volume = map_volume(two_spots, MapKind.TOTAL)
    show_table(stage, two_spots, hot_spot_table(found, volume))
    two_spots.remove()
    assert results_in(stage.scene) == []
    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
