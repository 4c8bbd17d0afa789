"""Pictures of the views for the exported review: what is seen, and the views left as they were."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from TTAUncertaintyLib.results import MapKind

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def desktop(desktop_with_views):
    return desktop_with_views


@pytest.fixture
def shown(desktop, logic, pair, result_folder):
    """A result in the views."""
    from TTAUncertaintyLib.scene.display import default_display
    from TTAUncertaintyLib.scene.presentation import Presentation, present
    from TTAUncertaintyLib.scene.slices import fit
    from TTAUncertaintyLib.scene.stage import Stage

    stage = Stage.current()
    result = logic.loadResult(result_folder, *pair)
    present(stage, result, Presentation(default_display(result, MapKind.TOTAL)))
    fit(stage, result.warped)
    return stage, result


def pixels(png, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(png)
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(int)


def test_every_view_is_pictured_as_it_is_on_the_screen(desktop, shown, tmp_path):
    from TTAUncertaintyPanel.view_pictures import pictures_of_views

    stage, _ = shown
    pictures = list(pictures_of_views(stage, "Total uncertainty"))
    captions = [picture.caption for picture in pictures]
    assert captions == [
        "Axial: Total uncertainty",
        "Coronal: Total uncertainty",
        "Sagittal: Total uncertainty",
        "3D: Total uncertainty",
    ]
    seen = pixels(pictures[0].png, tmp_path)
    assert np.abs(seen - desktop.picture("Red").astype(int)).mean() < 1
    assert seen.max() > 100


def test_each_place_has_its_picture_and_the_views_are_as_before(desktop, shown, tmp_path):
    from TTAUncertaintyPanel.view_pictures import pictures_of_places

    from TTAUncertaintyLib.scene.slices import slice_nodes

    stage, _ = shown

    def state():
        crosshair = stage.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        mark = (
            ()
            if crosshair is None
            else (*crosshair.GetCrosshairRAS(), crosshair.GetCrosshairMode())
        )
        offsets = [node.GetSliceOffset() for node in slice_nodes(stage)]
        fields = [node.GetFieldOfView() for node in slice_nodes(stage)]
        return mark, offsets, fields

    before = state()
    pictures = []
    for picture in pictures_of_places(stage, {1: (0.0, 0.0, 0.0), 2: (5.0, 10.0, 15.0)}):
        assert state() == before  # after each of them: Slicer goes on in between
        pictures.append(picture)
    assert [picture.rank for picture in pictures] == [1, 2]
    first, second = (pixels(picture.png, tmp_path) for picture in pictures)
    assert (np.abs(first - second) > 20).any()
    assert state() == before


def test_side_by_side_its_three_views_are_pictured(desktop, shown):
    from TTAUncertaintyPanel.view_pictures import pictures_of_views

    from TTAUncertaintyLib.scene.layouts import Layout, choose_layout

    stage, _ = shown
    choose_layout(stage, Layout.SIDE_BY_SIDE)
    desktop.process_events()
    assert [picture.caption[:5] for picture in pictures_of_views(stage, "x")] == ["Axial"] * 3
