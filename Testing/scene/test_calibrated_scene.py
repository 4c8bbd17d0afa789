"""A calibrated result in the scene: errors in their own colours, and an outline where to doubt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.calibrations import PROVENANCE
from support.found import OF_A_RUN
from support.scene_results import load_bundle
from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import taking_part
from TTAUncertaintyLib.results import Bundle, MapKind
from TTAUncertaintyLib.results.report.colors import color_table
from TTAUncertaintyLib.results.report.pictures import OUTSIDE_COLOR
from TTAUncertaintyLib.scene.arrays import array_of, lattice_of
from TTAUncertaintyLib.scene.display import default_display
from TTAUncertaintyLib.scene.layouts import SIDE_BY_SIDE, Layout
from TTAUncertaintyLib.scene.looks import meaning_of
from TTAUncertaintyLib.scene.presentation import (
    Background,
    Presentation,
    present,
    show_turn,
    withdraw,
)
from TTAUncertaintyLib.scene.result import ResultNodes, results_in
from TTAUncertaintyLib.scene.review_state import read_review
from TTAUncertaintyLib.scene.slices import composites, fit
from TTAUncertaintyLib.scene.stage import Stage

PINK = np.array([int(OUTSIDE_COLOR[n : n + 2], 16) for n in (1, 3, 5)])


@pytest.fixture(scope="session")
def calibrated(made, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle as a calibration would have made it: twice the total, marked but in low places."""
    folder = tmp_path_factory.mktemp("calibrated")
    for path in made.bundle.folder.iterdir():
        if path.name != "result.json":
            (folder / path.name).symlink_to(path)
    record = json.loads(json.dumps(made.bundle.record))
    total = sitk.ReadImage(str(made.bundle.map_files[MapKind.TOTAL]))
    values = sitk.GetArrayFromImage(total)
    marks = (values > np.nanpercentile(values, 20)).astype(np.uint8)
    for name, array in (
        ("expected_error", 2 * values),
        ("error_bound", 5 * values),
        ("outside_calibration", marks),
    ):
        image = sitk.GetImageFromArray(array)
        image.CopyInformation(total)
        sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
        record["files"][name] = f"{name}.nrrd"
    record["calibrated"] = True
    record["calibration"] = {
        "model": "m",
        "provenance": PROVENANCE,
        "region_outside_fraction": 0.2345,
    }
    (folder / "result.json").write_text(json.dumps(record))
    return Bundle.open(folder)


@pytest.fixture
def shown(stage: Stage, calibrated: Bundle) -> ResultNodes:
    return load_bundle(stage, calibrated)


def labels_shown(stage: Stage) -> dict[str, str | None]:
    return {node.GetLayoutName(): node.GetLabelVolumeID() for node in composites(stage)}


def pink(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture[..., :3].astype(int) - PINK).max(axis=-1) < 40


def test_maps_and_marks_are_nodes_of_the_result(
    stage: Stage, calibrated: Bundle, shown: ResultNodes
) -> None:
    assert set(shown.maps) == set(OF_A_RUN)
    marks = array_of(shown.outside)
    region = taking_part(
        array_of(shown.region) > 0, lattice_of(shown.region), lattice_of(shown.outside)
    )
    on_disk = sitk.GetArrayFromImage(sitk.ReadImage(str(calibrated.outside_calibration))) > 0
    np.testing.assert_array_equal(marks > 0, on_disk & region)  # beside the anatomy none is seen
    assert 0 < marks.sum() < on_disk.sum()
    assert lattice_of(shown.outside).is_close(lattice_of(shown.maps[MapKind.TOTAL]))
    assert shown.outside.IsA("vtkMRMLLabelMapVolumeNode")
    count = stage.scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode")
    shown.remove()
    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode") == count - 2


def test_a_result_without_a_calibration_has_no_marks(result: ResultNodes) -> None:
    assert result.outside is None
    assert read_review(result).map_key == "total"
    assert meaning_of(result, MapKind.TOTAL) == MapKind.TOTAL.facts.meaning


def test_errors_have_colors_that_no_uncertainty_has(shown: ResultNodes) -> None:
    for kind in shown.maps:
        wanted = {"Error"} if kind.is_error else {"Uncertainty", "Volume change"}
        assert default_display(shown, kind).color in wanted


def test_no_map_has_a_color_near_that_of_the_outline() -> None:
    for name in ("uncertainty", "error", "volume-change"):
        apart = np.abs(color_table(name).rgba[:, :3].astype(int) - PINK).sum(axis=1)
        assert apart.min() > 120, name


def test_the_outline_is_drawn_over_maps_of_errors_and_no_others(
    application_with_views: SlicerApplication, stage: Stage, shown: ResultNodes
) -> None:
    fit(stage, shown.warped)
    for kind in (MapKind.EXPECTED_ERROR, MapKind.TOTAL, MapKind.ERROR_BOUND, MapKind.JACOBIAN):
        wanted = Presentation(default_display(shown, kind))
        present(stage, shown, wanted)
        picture = application_with_views.render_slice("Red")
        marked = pink(picture)
        assert bool(marked.sum() > 30) is kind.is_error, (kind, marked.sum())
        assert marked.mean() < 0.1  # a line, and not an area
    present(stage, shown, Presentation(default_display(shown, MapKind.EXPECTED_ERROR)))
    present(stage, shown, replace(wanted, map_visible=False))
    assert not pink(application_with_views.render_slice("Red")).any()


def test_side_by_side_only_the_view_of_the_map_is_marked(
    application_with_views: SlicerApplication, stage: Stage, shown: ResultNodes
) -> None:
    wanted = Presentation(
        default_display(shown, MapKind.EXPECTED_ERROR), layout=Layout.SIDE_BY_SIDE
    )
    for name in SIDE_BY_SIDE.values():
        node = stage.scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
        node.SetLayoutName(name)
    present(stage, shown, wanted)
    found = labels_shown(stage)
    assert found[SIDE_BY_SIDE["map"]] == shown.outside.GetID()
    assert found[SIDE_BY_SIDE["fixed"]] is None and found[SIDE_BY_SIDE["warped"]] is None


def test_the_outline_stays_while_images_take_turns_and_goes_with_the_result(
    application_with_views: SlicerApplication, stage: Stage, shown: ResultNodes
) -> None:
    wanted = Presentation(default_display(shown, MapKind.EXPECTED_ERROR))
    present(stage, shown, wanted)
    show_turn(stage, shown, wanted, Background.FIXED)
    assert set(labels_shown(stage).values()) == {shown.outside.GetID()}
    withdraw(stage, shown)
    assert set(labels_shown(stage).values()) == {None}


def test_somebody_elses_label_map_is_left_alone(
    application_with_views: SlicerApplication, stage: Stage, shown: ResultNodes
) -> None:
    for node in composites(stage):
        node.SetLabelVolumeID(shown.region.GetID())
    present(stage, shown, Presentation(default_display(shown, MapKind.TOTAL)))
    withdraw(stage, shown)
    assert set(labels_shown(stage).values()) == {shown.region.GetID()}


def test_a_new_review_looks_at_the_expected_error_first(shown: ResultNodes) -> None:
    assert read_review(shown).map_key == "expected_error"


def test_what_is_said_of_a_map_names_how_much_is_outlined(shown: ResultNodes) -> None:
    assert "23.4 % of the region" in meaning_of(shown, MapKind.EXPECTED_ERROR)
    assert "%" not in meaning_of(shown, MapKind.TOTAL)


def test_marks_on_other_voxels_than_the_maps_are_refused(
    stage: Stage, calibrated: Bundle, tmp_path: Path
) -> None:
    for path in calibrated.folder.iterdir():
        (tmp_path / path.name).symlink_to(path.resolve())
    marks = sitk.ReadImage(str(calibrated.outside_calibration))
    marks.SetOrigin([x + 5 for x in marks.GetOrigin()])
    (tmp_path / "outside_calibration.nrrd").unlink()
    sitk.WriteImage(marks, str(tmp_path / "outside_calibration.nrrd"))
    before = stage.scene.GetNumberOfNodes()
    with pytest.raises(InputError, match="do not lie on the same voxels"):
        load_bundle(stage, Bundle.open(tmp_path))
    assert stage.scene.GetNumberOfNodes() == before


def test_a_saved_scene_brings_the_outline_back(
    application: SlicerApplication, stage: Stage, shown: ResultNodes, tmp_path: Path
) -> None:
    marks = array_of(shown.outside).copy()
    assert application.save_scene(tmp_path / "calibrated.mrb")
    application.open_scene(tmp_path / "calibrated.mrb")
    back = results_in(application.scene)[0]
    assert array_of(back.outside).sum() == marks.sum()
    colors = back.outside.GetDisplayNode().GetColorNode()
    rgba = [0.0] * 4
    colors.GetColor(1, rgba)
    np.testing.assert_allclose(np.array(rgba[:3]) * 255, PINK, atol=1)
    colors.GetColor(0, rgba)
    assert rgba[3] == 0
