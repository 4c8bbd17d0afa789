"""Labels of a result lie where they lie in its file; outlines are drawn where they should be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.carried.outlines import outline_probability
from TTAUncertaintyLib.geometry import read_stored
from TTAUncertaintyLib.scene.arrays import lattice_of
from TTAUncertaintyLib.scene.outlines import (
    Outlines,
    hide_outlines,
    show_outline_of,
    show_outlines,
)
from TTAUncertaintyLib.scene.result import ResultNodes, results_in
from TTAUncertaintyLib.scene.slices import Layers, fit, set_layers
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.structures import structures_on

NAMES = ["Left half", "Right half"]


def labels_of(stage: Stage, result: ResultNodes) -> np.ndarray:
    """Return the labels of a result's segmentation, as in the file."""
    found = structures_on(stage, result.labels, result.warped)
    assert list(found.names.values()) == NAMES
    assert list(found.colors.values()) == [(230, 60, 60), (60, 90, 230)]
    return np.array([0, 4, 7])[found.labels]


def places(stage: Stage, result: ResultNodes) -> dict[int, set[tuple[float, ...]]]:
    """Return where the voxels of each label lie, LPS mm."""
    labels, lattice = labels_of(stage, result), lattice_of(result.warped)
    found = {}
    for label in (4, 7):
        voxels = np.argwhere(labels == label)[:, ::-1]
        found[label] = {tuple(point) for point in lattice.to_world(voxels).round(2).tolist()}
    return found


def test_labels_come_with_their_names_and_colours_to_where_the_file_has_them(
    stage: Stage, result: ResultNodes, made
) -> None:
    stored = read_stored(made.bundle.labels)
    assert stored.lattice.is_close(lattice_of(result.warped))
    assert np.array_equal(labels_of(stage, result), stored.values)
    assert not result.labels.GetDisplayVisibility()  # nobody asked for them yet


def test_labels_are_saved_and_opened_with_the_scene(
    application: SlicerApplication, stage: Stage, result: ResultNodes, tmp_path
) -> None:
    """Slicer may turn the voxels' axes round: what counts is where they lie."""
    before = places(stage, result)
    assert application.save_scene(tmp_path / "scene.mrb")
    application.close_scene()
    assert application.open_scene(tmp_path / "scene.mrb")
    (again,) = results_in(application.scene)
    assert places(stage, again) == before


def test_nothing_of_the_outlines_is_left_with_the_result(stage: Stage, result: ResultNodes) -> None:
    show_outlines(stage, result, Outlines.EDGES)
    show_outline_of(stage, result, 0)
    result.remove()
    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationDisplayNode") == 0


def pixels(application: SlicerApplication, color: tuple[int, int, int]) -> int:
    """Return how many pixels of the axial slice nearly have a colour."""
    picture = np.asarray(application.render_slice("Red")).astype(int)[..., :3]
    return int((np.abs(picture - color).max(-1) < 40).sum())


def test_outlines_are_drawn_and_taken_away(
    application_with_views: SlicerApplication, stage: Stage, result: ResultNodes
) -> None:
    red = (230, 60, 60)
    set_layers(stage, Layers(result.warped))
    fit(stage, result.warped)
    assert pixels(application_with_views, red) == 0
    show_outlines(stage, result, Outlines.LABELS)
    drawn = pixels(application_with_views, red)
    assert 20 < drawn < 4000  # a line, and no area
    hide_outlines(result)
    assert pixels(application_with_views, red) == 0
    show_outlines(stage, result, Outlines.EDGES)
    assert pixels(application_with_views, (255, 221, 64)) > 100


def test_a_structure_has_its_line_and_the_band_in_which_it_may_lie(
    stage: Stage, result: ResultNodes
) -> None:
    record = result.record
    record["labels"]["structures"][1] |= {"expected_surface_mm": 3.0, "surface_error_mm": 2.0}
    result.set_text("record", json.dumps(record))
    show_outline_of(stage, result, 1)
    node = result.reference("outline_of_one")
    inside = labels_of(stage, result) == 7
    lattice = lattice_of(result.warped)
    chance = outline_probability(inside, lattice, 3.0)
    for n, expected in enumerate(((chance > 0.05) & (chance < 0.95), chance >= 0.5)):
        segment = node.GetSegmentation().GetNthSegmentID(n)
        found = structures_on(stage, node, result.warped, [segment]).labels > 0
        assert np.array_equal(found, expected)
    display = node.GetDisplayNode()
    ids = [node.GetSegmentation().GetNthSegmentID(n) for n in (0, 1)]
    assert [display.GetSegmentVisibility2DFill(each) for each in ids] == [True, False]
    assert [display.GetSegmentVisibility2DOutline(each) for each in ids] == [False, True]


@pytest.mark.parametrize("number", [-1, 2])
def test_no_structure_has_no_outline(stage: Stage, result: ResultNodes, number: int) -> None:
    show_outline_of(stage, result, 0)
    show_outline_of(stage, result, number)
    assert result.reference("outline_of_one") is None
