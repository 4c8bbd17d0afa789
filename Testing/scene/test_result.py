"""A bundle becomes nodes that belong together, that are right, and that are saved whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from support.found import UNCALIBRATED
from support.scene_results import load_bundle
from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import taking_part
from TTAUncertaintyLib.results import Bundle, MapKind
from TTAUncertaintyLib.scene.arrays import array_of, lattice_of
from TTAUncertaintyLib.scene.as_seen import resampled
from TTAUncertaintyLib.scene.bundle_arrays import BundleArrays
from TTAUncertaintyLib.scene.result import ResultNodes, results_in
from TTAUncertaintyLib.scene.stage import Stage


def node_count(stage: Stage) -> int:
    return int(stage.scene.GetNumberOfNodes())


def test_everything_of_a_bundle_is_there_with_telling_names(
    stage: Stage, result: ResultNodes
) -> None:
    assert result.title == "Moving head on Fixed head"
    assert set(result.maps) == set(UNCALIBRATED)
    names = {kind: node.GetName() for kind, node in result.maps.items()}
    assert names[MapKind.TOTAL] == "Total uncertainty (mm) - Moving head on Fixed head"
    assert not any("error" in name.lower() for name in names.values())
    assert result.maps[MapKind.JITTER].GetVoxelValueUnits().GetCodeValue() == "mm"
    assert result.maps[MapKind.JACOBIAN].GetVoxelValueUnits() is None
    assert result.record["design"]["replicates_R"] == 2
    assert results_in(stage.scene) == [result]


def test_everything_lies_in_one_folder_of_the_hierarchy(stage: Stage, result: ResultNodes) -> None:
    parents = {
        stage.hierarchy.GetItemParent(stage.hierarchy.GetItemByDataNode(node))
        for node in (result.node, result.warped, result.transform, *result.maps.values())
    }
    assert parents == {result.folder_item}
    assert stage.hierarchy.GetItemName(result.folder_item) == result.title


def test_maps_are_the_bundle_s_where_there_is_anatomy_and_nothing_elsewhere(
    result: ResultNodes, made
) -> None:
    arrays = BundleArrays.read(made.bundle)
    region = array_of(result.region) > 0
    assert 0.05 < region.mean() < 0.95
    for kind, node in result.maps.items():
        shown = array_of(node)
        assert lattice_of(node).is_close(arrays.map_lattice)
        part, other = (
            taking_part(marks, arrays.lattice, arrays.map_lattice)
            for marks in (region, arrays.region)
        )
        assert np.isnan(shown[~part]).all(), kind
        both = part & other
        assert np.array_equal(shown[both], arrays.maps[kind][both], equal_nan=True), kind


def test_anatomy_that_only_the_fixed_image_shows_counts(stage: Stage, made) -> None:
    warped_only = BundleArrays.read(made.bundle)
    fixed = np.zeros(warped_only.warped.shape, np.float32)
    fixed[5:15, 5:15, 5:15] = 100
    both = BundleArrays.read(made.bundle, fixed)
    assert both.region[8:12, 8:12, 8:12].all()
    assert (both.region >= warped_only.region).all()


def test_the_transform_reproduces_the_warped_image_in_slicer(result: ResultNodes) -> None:
    """Slicer interpolates the grid cubically, ITK linearly: hundredths of a millimetre."""
    moving, warped = result.moving, result.warped
    moving.SetAndObserveTransformNodeID(result.transform.GetID())
    again = resampled(moving, lattice_of(warped)).astype(float)
    inside = array_of(result.region) > 0
    truth = array_of(warped).astype(float)
    apart = np.abs(again - truth)[inside]
    contrast = np.ptp(truth)
    assert np.median(apart) < 0.002 * contrast
    assert np.percentile(apart, 99) < 0.02 * contrast
    # the other direction, or no transform, would be far off
    moving.SetAndObserveTransformNodeID(None)
    unmoved = resampled(moving, lattice_of(warped)).astype(float)
    assert np.median(np.abs(unmoved - truth)[inside]) > 0.02 * contrast


def test_the_transform_knows_its_two_spaces(result: ResultNodes) -> None:
    transform = result.transform
    fixed_role = slicer.vtkMRMLTransformNode.GetFixedNodeReferenceRole()
    moving_role = slicer.vtkMRMLTransformNode.GetMovingNodeReferenceRole()
    assert transform.GetNodeReference(fixed_role) is result.fixed
    assert transform.GetNodeReference(moving_role) is result.moving


def test_a_saved_scene_brings_everything_back(
    application: SlicerApplication, stage: Stage, result: ResultNodes, tmp_path: Path
) -> None:
    result.set_text("review", '{"comment": "Prüfen: 50 % & <mehr>"}')
    values = {kind: np.array(array_of(node)) for kind, node in result.maps.items()}
    lattices = {kind: lattice_of(node) for kind, node in result.maps.items()}
    record = result.record
    assert application.save_scene(tmp_path / "szene.mrb")
    application.open_scene(tmp_path / "szene.mrb")
    (opened,) = results_in(stage.scene)
    assert opened.title == "Moving head on Fixed head"
    assert opened.record == record
    assert opened.text("review") == '{"comment": "Prüfen: 50 % & <mehr>"}'
    assert opened.fixed.GetName() == "Fixed head"
    for kind, node in opened.maps.items():
        # Slicer turns left-handed voxel axes into right-handed ones: the place is the same
        again = resampled(node, lattices[kind], nearest=True)
        assert np.array_equal(again, values[kind], equal_nan=True)
        assert node.GetName().startswith(kind.facts.title)
    assert opened.transform is not None
    assert opened.folder_item


def test_a_second_result_of_the_same_pair_gets_a_name_of_its_own(
    stage: Stage, result: ResultNodes, made
) -> None:
    second = load_bundle(stage, made.bundle, result.fixed, result.moving)
    assert second.title != result.title
    assert len(results_in(stage.scene)) == 2


def test_removing_a_result_removes_all_of_it_and_not_its_inputs(
    stage: Stage, made, tmp_path: Path
) -> None:
    before, listed = node_count(stage), items(stage)
    load_bundle(stage, made.bundle).remove()
    left = node_count(stage) - before
    assert left <= 2  # the hierarchy itself, and a node of colours
    assert results_in(stage.scene) == []
    assert items(stage) == listed


def items(stage: Stage) -> int:
    """Return how many items the subject hierarchy has."""
    found = vtk.vtkIdList()
    stage.hierarchy.GetItemChildren(stage.hierarchy.GetSceneItemID(), found, True)
    return found.GetNumberOfIds()


@pytest.mark.parametrize("name", ["uncertainty_total.nrrd", "displacement.nrrd", "warped.nrrd"])
def test_a_damaged_file_is_refused_and_leaves_the_scene_as_it_was(
    stage: Stage, made, tmp_path: Path, name: str
) -> None:
    shutil.copytree(made.bundle.folder, tmp_path / "copy")
    (tmp_path / "copy" / name).write_bytes(b"NRRD0004\nnothing")
    before = node_count(stage)
    with pytest.raises(InputError, match=name):
        load_bundle(stage, Bundle.open(tmp_path / "copy"))
    assert node_count(stage) == before


def test_without_its_inputs_it_has_the_names_on_record(stage: Stage, made) -> None:
    result = load_bundle(stage, made.bundle)
    assert result.title == "Moving head on Fixed head"
    older = replace(made.bundle, record=json.loads(json.dumps(made.bundle.record)))
    for role in ("fixed", "moving"):
        del older.record["inputs"][role]["name"]  # records of before have their files' names only
    assert load_bundle(stage, older).title == "moving on fixed"
    assert result.fixed is None
    assert result.moving is None
