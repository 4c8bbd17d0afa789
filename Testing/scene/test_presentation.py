"""What a person sees: pictures of Slicer's own views, checked by their pixels."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer
from support.scene_results import load_bundle
from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.scene.arrays import array_of
from TTAUncertaintyLib.scene.comparison import checkerboard, difference
from TTAUncertaintyLib.scene.display import (
    apply,
    default_display,
    hide_legend,
    read_display,
    show_map,
)
from TTAUncertaintyLib.scene.layouts import SIDE_BY_SIDE, Layout, current_layout
from TTAUncertaintyLib.scene.presentation import (
    Background,
    Presentation,
    present,
    present_in_new_views,
)
from TTAUncertaintyLib.scene.result import ResultNodes, results_in
from TTAUncertaintyLib.scene.slices import (
    LEGEND,
    composites,
    fit,
    jump_to,
    middle_of,
    move_to,
    slice_nodes,
)
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.transform_view import TransformView


def colored(picture: np.ndarray) -> np.ndarray:
    """Tell which pixels have a colour, and are not grey."""
    values = picture.astype(int)
    return values.max(axis=-1) - values.min(axis=-1) > 25


@pytest.fixture
def plain(application_with_views, stage: Stage, result: ResultNodes) -> Presentation:
    """The whole total map at full opacity, fitted."""
    wanted = Presentation(replace(default_display(result, MapKind.TOTAL), opacity=1.0))
    present(stage, result, wanted)
    fit(stage, result.warped)
    return wanted


def test_the_map_covers_the_anatomy_and_nothing_else(
    application_with_views: SlicerApplication, result: ResultNodes, plain: Presentation
) -> None:
    picture = application_with_views.render_slice("Red")
    share = colored(picture[:, : picture.shape[1] * 3 // 4]).mean()
    assert 0.1 < share < 0.8
    corner = picture[:20, :20]
    assert not colored(corner).any()


def test_opacity_zero_and_hidden_show_the_image_alone(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    present(stage, result, replace(plain, map_visible=False))
    assert colored(application_with_views.render_slice("Red")).mean() < 0.01


def test_a_threshold_hides_what_lies_below(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    values = array_of(result.maps[MapKind.TOTAL])
    left = slice(None), slice(0, 300)  # beside the legend
    shown = []
    for percentile in (0, 50, 90, 100):
        threshold = float(np.nanpercentile(values, percentile)) + (percentile == 100)
        present(stage, result, replace(plain, display=replace(plain.display, threshold=threshold)))
        shown.append(colored(application_with_views.render_slice("Red")[left]).sum())
    assert shown[0] > shown[1] > shown[2] > shown[3]
    assert shown[3] < 0.02 * shown[0]


def test_a_legend_with_title_and_unit_stands_beside_the_map(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    right = slice(60, 340), slice(330, 400)
    with_legend = application_with_views.render_slice("Red")[right].astype(int)
    legend = stage.logic("Colors").GetColorLegendDisplayNode(result.maps[MapKind.TOTAL])
    assert "uncertainty" in legend.GetTitleText()
    assert "(mm)" in legend.GetTitleText()
    legend.SetVisibility(False)
    without = application_with_views.render_slice("Red")[right].astype(int)
    changed = np.abs(with_legend - without).max(axis=-1) > 40
    assert 0.02 < changed.mean() < 0.6


def test_a_legends_letters_are_of_one_size_whatever_its_numbers(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    def columns(top: float) -> int:
        """How many columns of pixels the legend takes."""
        present(stage, result, replace(plain, display=replace(plain.display, window=(0.0, top))))
        legend = stage.logic("Colors").GetColorLegendDisplayNode(result.maps[MapKind.TOTAL])
        shown = application_with_views.render_slice("Red").astype(int)
        legend.SetVisibility(False)
        without = application_with_views.render_slice("Red").astype(int)
        return int((np.abs(shown - without).max(axis=-1) > 40).any(axis=0).sum())

    tidy = columns(2.5)
    assert [columns(top) for top in (0.8, 4.0)] == pytest.approx([tidy, tidy], rel=0.1)


def test_only_the_map_that_is_shown_has_a_legend(
    application_with_views, stage: Stage, result: ResultNodes, plain: Presentation
) -> None:
    jitter = default_display(result, MapKind.JITTER)
    present(stage, result, replace(plain, display=jitter))
    visible = {
        kind
        for kind, node in result.maps.items()
        if (legend := stage.logic("Colors").GetColorLegendDisplayNode(node)) is not None
        and legend.GetVisibility()
    }
    assert visible == {MapKind.JITTER}


def test_a_narrower_window_makes_the_map_brighter(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    before = application_with_views.render_slice("Red")[:, :300].mean()
    low, high = plain.display.window
    show_map(stage, result, replace(plain.display, window=(low, high / 4)))
    assert application_with_views.render_slice("Red")[:, :300].mean() > before + 5


def test_every_background_looks_different(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    pictures = {}
    for background in Background:
        present(stage, result, replace(plain, map_visible=False, background=background))
        pictures[background] = application_with_views.render_slice("Red").astype(int)
    for one in Background:
        for other in Background:
            if one is not other:
                assert np.abs(pictures[one] - pictures[other]).mean() > 0.3, (one, other)


def test_a_checkerboard_shows_both_images_in_equal_shares(
    application_with_views, stage: Stage, result: ResultNodes
) -> None:
    for volume, value in ((result.fixed, 100.0), (result.warped, 300.0)):
        slicer.util.updateVolumeFromArray(
            volume, np.full(array_of(volume).shape, value, np.float32)
        )
        volume.GetDisplayNode().AutoWindowLevelOff()
        volume.GetDisplayNode().SetWindowLevelMinMax(100.0, 300.0)
    board = array_of(checkerboard(stage, result, square_mm=10.0))
    assert set(np.unique(board)) == {0.0, 1.0}
    assert 0.4 < board.mean() < 0.6
    assert np.allclose(array_of(difference(stage, result)), 1.0)


def test_the_transform_is_drawn_and_taken_away(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    bare = replace(plain, map_visible=False)
    counts = {}
    for how in (TransformView.NONE, TransformView.GRID, TransformView.GLYPHS, TransformView.NONE):
        present(stage, result, replace(bare, transform=how))
        counts.setdefault(how, []).append(colored(application_with_views.render_slice("Red")).sum())
    assert counts[TransformView.GRID][0] > counts[TransformView.NONE][0] + 500
    assert counts[TransformView.GLYPHS][0] > counts[TransformView.NONE][0] + 50
    assert counts[TransformView.NONE][0] == counts[TransformView.NONE][1]


def test_the_3d_view_shows_what_lies_above_a_threshold_inside_the_anatomy(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    high = float(np.nanpercentile(array_of(result.maps[MapKind.TOTAL]), 97))
    present(stage, result, replace(plain, in_3d=True, level_3d=high))
    anatomy, spots = result.reference("surface.anatomy"), result.reference("surface.high")
    box_outer, box_inner = [0.0] * 6, [0.0] * 6
    anatomy.GetRASBounds(box_outer)
    spots.GetRASBounds(box_inner)
    assert spots.GetPolyData().GetNumberOfPoints() > 10
    for low in (0, 2, 4):
        assert box_inner[low] > box_outer[low] - 4
        assert box_inner[low + 1] < box_outer[low + 1] + 4
    volume_bounds = [0.0] * 6
    result.warped.GetRASBounds(volume_bounds)
    assert volume_bounds[0] - 4 < box_outer[0]
    assert box_outer[1] < volume_bounds[1] + 4
    present(stage, result, plain)
    assert not anatomy.GetDisplayVisibility()


def test_the_layout_that_slicer_begins_with_is_four_up(stage: Stage) -> None:
    import slicer

    node = stage.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    node.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutInitialView)
    assert current_layout(stage) is Layout.FOUR_UP


def test_side_by_side_shows_fixed_warped_and_map(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
) -> None:
    for name in SIDE_BY_SIDE.values():
        application_with_views.add_slice_view(name)
    present(stage, result, replace(plain, layout=Layout.SIDE_BY_SIDE))
    assert current_layout(stage) is Layout.SIDE_BY_SIDE
    shown = {node.GetLayoutName(): node for node in composites(stage)}
    assert shown["TTAFixed"].GetBackgroundVolumeID() == result.fixed.GetID()
    assert shown["TTAFixed"].GetForegroundVolumeID() is None
    assert shown["TTAWarped"].GetBackgroundVolumeID() == result.warped.GetID()
    assert shown["TTAMap"].GetForegroundVolumeID() == result.maps[MapKind.TOTAL].GetID()
    assert all(shown[name].GetLinkedControl() for name in SIDE_BY_SIDE.values())


def test_jumping_takes_every_view_to_the_place(
    application_with_views, stage: Stage, result: ResultNodes, plain: Presentation
) -> None:
    place = np.array([7.0, -11.0, 13.0])
    fit(stage, result.warped)
    before = {node.GetName(): on_screen(node, place)[:2] for node in slice_nodes(stage)}
    jump_to(stage, tuple(place))
    for node in slice_nodes(stage):
        *where, depth = on_screen(node, place)
        assert depth == pytest.approx(0, abs=0.01)  # it lies in the slice
        assert where == pytest.approx(before[node.GetName()], abs=0.01)  # nothing else has moved


def test_jumping_far_brings_the_place_to_the_middle(
    application_with_views, stage: Stage, result: ResultNodes
) -> None:
    place = np.array([7.0, -11.0, 13.0])
    fit(stage, result.warped)
    for node in slice_nodes(stage):  # as after zooming in elsewhere
        node.JumpSliceByCentering(*(place + 9))
        node.SetFieldOfView(8, 8, 1)
        node.UpdateMatrices()
    jump_to(stage, tuple(place))
    for node in slice_nodes(stage):
        *where, depth = on_screen(node, place)
        middle = [size / 2 for size in node.GetDimensions()[:2]]
        assert depth == pytest.approx(0, abs=0.01)
        assert where == pytest.approx(middle, abs=1)


def test_where_three_slices_meet_is_found_and_another_layout_goes_there(
    application_with_views, stage: Stage, result: ResultNodes
) -> None:
    place = np.array([7.0, -11.0, 13.0])
    fit(stage, result.warped)
    names = tuple(node.GetLayoutName() for node in slice_nodes(stage))
    jump_to(stage, tuple(place))
    assert middle_of(stage, names) == pytest.approx(place, abs=0.01)
    move_to(stage, (1.0, 2.0, 3.0), names)
    one = names[:1]  # says one coordinate; the others are those of before
    (node,) = slice_nodes(stage, one)
    normal = np.array([node.GetSliceToRAS().GetElement(row, 2) for row in range(3)])
    expected = place + normal * (normal @ (np.array([1.0, 2.0, 3.0]) - place))
    assert middle_of(stage, one, tuple(place)) == pytest.approx(expected, abs=0.01)


def on_screen(node, place: np.ndarray) -> list[float]:
    """Return where a view has a place: two pixels, and the distance from its plane in slices."""
    to_ras = np.array([[node.GetXYToRAS().GetElement(r, c) for c in range(4)] for r in range(4)])
    return list(np.linalg.solve(to_ras, [*place, 1.0])[:3])


#: Sizes of views on small and large screens, side by side and four-up.
VIEW_SIZES = [(250, 700), (330, 330), (430, 400), (560, 545), (900, 500)]


@pytest.mark.parametrize(("width", "height"), VIEW_SIZES)
def test_the_volume_stands_beside_the_legend_in_every_view(
    application_with_views, stage: Stage, result: ResultNodes, width: int, height: int
) -> None:
    bounds = [0.0] * 6
    result.warped.GetRASBounds(bounds)
    for node in slice_nodes(stage):
        node.SetDimensions(width, height, 1)
    fit(stage, result.warped)
    for node in slice_nodes(stage):
        corners = np.array(list(itertools.product(bounds[:2], bounds[2:4], bounds[4:])))
        shown = np.array([on_screen(node, corner)[:2] for corner in corners])
        assert (shown >= 0).all() and (shown[:, 1] <= height).all()
        assert shown[:, 0].max() < (1 - LEGEND) * width + 0.5  # half a pixel


@pytest.mark.parametrize("size", VIEW_SIZES)
def test_a_legend_takes_no_more_than_its_share_of_a_view(made, size: tuple[int, int]) -> None:
    with SlicerApplication(view_size=size) as application:
        stage = Stage(application.scene, application.application_logic)
        result = load_bundle(stage, made.bundle)
        volume = result.maps[MapKind.TOTAL]
        application.slice_views["Red"].window.SetDPI(96)  # as on most screens
        for kind in MapKind:
            present_in_new_views(
                stage, result, Presentation(default_display(result, MapKind.TOTAL))
            )
            apply(stage, volume, replace(default_display(result, MapKind.TOTAL), kind=kind))
            with_legend = application.render_slice("Red").astype(int)
            hide_legend(stage, volume)
            without = application.render_slice("Red").astype(int)
            columns = np.nonzero((np.abs(with_legend - without) > 10).any(axis=(0, 2)))[0]
            assert columns.min() >= (1 - LEGEND) * size[0], kind


def test_the_look_of_a_map_survives_saving_and_opening(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    plain: Presentation,
    tmp_path: Path,
) -> None:
    look = replace(plain.display, threshold=0.3, window=(0.1, 0.9))
    show_map(stage, result, look)
    assert application_with_views.save_scene(tmp_path / "s.mrb")
    application_with_views.open_scene(tmp_path / "s.mrb")
    (opened,) = results_in(stage.scene)
    found = read_display(opened.maps[MapKind.TOTAL], MapKind.TOTAL, opacity=1.0)
    assert found.color == look.color
    assert found.threshold == pytest.approx(0.3)
    assert found.window == pytest.approx((0.1, 0.9))
    legend = stage.logic("Colors").GetColorLegendDisplayNode(opened.maps[MapKind.TOTAL])
    assert legend.GetVisibility()
