"""Labels of a result lie where they lie in its file; outlines are drawn where they should be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.lattices import FLIPPED
from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.carried.outlines import outline_probability
from TTAUncertaintyLib.carried.structures import Structure
from TTAUncertaintyLib.geometry import read_stored
from TTAUncertaintyLib.scene.arrays import fill, from_matrix, lattice_of
from TTAUncertaintyLib.scene.outlines import (
    Outlines,
    hide_outlines,
    show_outline_of,
    show_outlines,
)
from TTAUncertaintyLib.scene.result import LABELS, ResultNodes, results_in
from TTAUncertaintyLib.scene.segmentations import add_segmentation
from TTAUncertaintyLib.scene.slices import Layers, fit, jump_to, set_layers
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


#: Oblique, anisotropic, flipped, and no voxel of it is one of the result's.
ELSEWHERE = FLIPPED.centered((44, 60, 36), (1.7, 1.2, 2.3), (2.0, -3.0, 4.0))
RADIUS = 15.0


def ball(radius: float = RADIUS) -> np.ndarray:
    """Return a ball about the middle of that lattice, axes (k, j, i)."""
    k, j, i = np.indices(ELSEWHERE.array_shape)
    points = ELSEWHERE.to_world(np.stack((i, j, k), -1)) - ELSEWHERE.center
    return np.linalg.norm(points, axis=-1) < radius


def radii_drawn(
    application: SlicerApplication, color: tuple[int, int, int], before: np.ndarray
) -> np.ndarray:
    """Return how far from the ball's middle the axial slice has a colour by now, mm."""
    picture = application.render_slice("Red")
    new = [np.abs(one.astype(int) - color).max(-1) < 40 for one in (before, picture)]
    row, column = np.nonzero(new[1] & ~new[0])
    screen = np.stack([column, len(picture) - 1 - row, 0 * row, 0 * row + 1], -1)
    matrix = from_matrix(application.slice_views["Red"].node.GetXYToRAS())
    return np.linalg.norm((screen @ matrix.T)[:, :3] * (-1, -1, 1) - ELSEWHERE.center, axis=-1)


@pytest.mark.parametrize("outlines", [Outlines.STRUCTURES, Outlines.LABELS, Outlines.EDGES])
def test_what_lies_on_another_lattice_is_outlined_where_it_lies(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    outlines: Outlines,
) -> None:
    color, borders = (230, 60, 60), (RADIUS,)
    drawn, structures = [Structure(7, "Ball", color)], None
    node = add_segmentation(stage, "Drawn", [(ball() * np.uint8(7), drawn)], ELSEWHERE)
    if outlines is Outlines.EDGES:
        color, borders = (255, 221, 64), (11.0, 22.0)
        fill(result.fixed, 400 * ball(22.0) + 500 * ball(11.0).astype(np.float32), ELSEWHERE)
    elif outlines is Outlines.LABELS:
        result.refer(LABELS, node)
    else:
        structures = structures_on(stage, node, result.warped)
    set_layers(stage, Layers(result.warped))
    fit(stage, result.warped)
    jump_to(stage, tuple(ELSEWHERE.center * (-1, -1, 1)))
    before = application_with_views.render_slice("Red")
    show_outlines(stage, result, outlines, structures)
    radii = radii_drawn(application_with_views, color, before)
    assert len(radii) > 100
    voxel = np.linalg.norm(lattice_of(result.warped).spacing)
    for border in borders:
        on_it = radii[np.abs(radii - border) < voxel]
        assert len(on_it) > 100 and on_it.mean() == pytest.approx(border, abs=0.7)
    assert np.abs(radii[:, None] - borders).min(axis=1).max() < voxel  # and nowhere else


def test_the_bands_of_labels_lie_about_them(stage: Stage, result: ResultNodes) -> None:
    """Within 1.645 sigma of the surface, with the labels on an oblique lattice of their own."""
    record = result.record
    record["labels"]["structures"][1] |= {"expected_surface_mm": 3.0}
    result.set_text("record", json.dumps(record))
    drawn = [Structure(7, "Ball", (230, 60, 60))]
    result.refer(LABELS, add_segmentation(stage, "D", [(ball() * np.uint8(7), drawn)], ELSEWHERE))
    show_outlines(stage, result, Outlines.BANDS)
    assert result.labels.GetDisplayVisibility()
    found = structures_on(stage, result.reference("outlines"), result.warped)
    places = found.lattice.to_world(np.argwhere(found.labels > 0)[:, ::-1]) - ELSEWHERE.center
    radii, reach = np.linalg.norm(places, axis=-1), 1.645 * np.sqrt(np.pi / 2) * 3.0
    voxel = float(found.lattice.spacing.max())
    assert radii.min() == pytest.approx(RADIUS - reach, abs=voxel)
    assert radii.max() == pytest.approx(RADIUS + reach, abs=voxel)


@pytest.mark.parametrize("number", [-1, 2])
def test_no_structure_has_no_outline(stage: Stage, result: ResultNodes, number: int) -> None:
    show_outline_of(stage, result, 0)
    show_outline_of(stage, result, number)
    assert result.reference("outline_of_one") is None
