"""Volumes reach the worker as the person sees them, whatever transforms they lie under."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from support.lattices import FLIPPED, OBLIQUE, PLAIN, SHEARED, affine, rotation, voxel_points
from vtk.util.numpy_support import numpy_to_vtk

from TTAUncertaintyLib.carried import read_label_map
from TTAUncertaintyLib.errors import InputError, OutputError
from TTAUncertaintyLib.geometry import Lattice, read_image, read_linear_transform
from TTAUncertaintyLib.geometry.given_transform import displacement_of, read_given_transform
from TTAUncertaintyLib.scene.arrays import LPS_RAS, add_volume, image_data, lattice_of, to_matrix
from TTAUncertaintyLib.scene.inputs import (
    problem_with,
    shows_brain,
    transform_suffix,
    write_labels,
    write_linear_transform,
    write_transform,
    write_volume,
)
from TTAUncertaintyLib.scene.stage import Stage

LATTICES = {"plain": PLAIN, "oblique": OBLIQUE, "flipped": FLIPPED}
RIGID = affine(rotation((1, -1, 2), 25.0), (8.0, -5.0, 12.0))
SHEAR = affine(np.array([[1.0, 0.2, 0.0], [0.0, 1.1, 0.0], [0.1, 0.0, 0.9]]), (3.0, 2.0, -1.0))


def ramp(points: np.ndarray) -> np.ndarray:
    """Return an intensity that linear interpolation reproduces exactly; points (..., 3), LPS."""
    return 500.0 + points @ np.array([2.0, -3.0, 1.5])


def add_ramp(stage: Stage, lattice: Lattice) -> Any:
    k, j, i = np.meshgrid(*[np.arange(n) for n in lattice.array_shape], indexing="ij")
    values = ramp(lattice.to_world(np.stack((i, j, k), -1))).astype(np.float32)
    return add_volume(stage.scene, "Bild für Ärzte", values, lattice)


def put_under_matrix(stage: Stage, volume: Any, matrix_lps: np.ndarray) -> Any:
    transform = stage.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(to_matrix(LPS_RAS @ matrix_lps @ LPS_RAS))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def read_at(path: Path, points: np.ndarray) -> np.ndarray:
    """Return a file's intensities at world points (n, 3), LPS; NaN outside."""
    image = sitk.ReadImage(str(path), sitk.sitkFloat32)
    found = []
    for point in points.tolist():
        try:
            found.append(image.EvaluateAtPhysicalPoint(point, sitk.sitkLinear))
        except RuntimeError:
            found.append(np.nan)
    return np.array(found)


@pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
@pytest.mark.parametrize("matrix", [None, np.eye(4), RIGID], ids=["none", "identity", "rigid"])
def test_a_linear_transform_goes_into_the_place_and_leaves_the_voxels(
    stage: Stage, tmp_path: Path, lattice: Lattice, matrix: np.ndarray | None
) -> None:
    volume = add_ramp(stage, lattice)
    if matrix is not None:
        put_under_matrix(stage, volume, matrix)
    write_volume(volume, tmp_path / "v.nrrd")
    image = sitk.ReadImage(str(tmp_path / "v.nrrd"))
    moved = lattice if matrix is None else lattice.transformed(matrix)
    assert Lattice.of(image).is_close(moved)
    assert np.array_equal(sitk.GetArrayFromImage(image), slicer.util.arrayFromVolume(volume))


@pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
def test_a_sheared_volume_is_resampled_to_what_is_seen(
    stage: Stage, tmp_path: Path, lattice: Lattice
) -> None:
    volume = add_ramp(stage, lattice)
    put_under_matrix(stage, volume, SHEAR @ RIGID)
    write_volume(volume, tmp_path / "v.nrrd")
    own = lattice.to_world(voxel_points(lattice, 200, seed=1, margin=1.5))
    world = own @ (SHEAR @ RIGID)[:3, :3].T + (SHEAR @ RIGID)[:3, 3]
    assert read_at(tmp_path / "v.nrrd", world) == pytest.approx(ramp(own), abs=0.01)


@pytest.mark.parametrize("matrix", [None, RIGID], ids=["none", "rigid"])
def test_slanted_slices_are_resampled_onto_straight_ones(
    stage: Stage, tmp_path: Path, matrix: np.ndarray | None
) -> None:
    """As a tilted scanner makes them: the node's own axes are not perpendicular."""
    volume = add_ramp(stage, SHEARED)
    if matrix is not None:
        put_under_matrix(stage, volume, matrix)
    write_volume(volume, tmp_path / "v.nrrd")
    own = SHEARED.to_world(voxel_points(SHEARED, 200, seed=3, margin=1.5))
    moving = np.eye(4) if matrix is None else matrix
    world = own @ moving[:3, :3].T + moving[:3, 3]
    assert read_at(tmp_path / "v.nrrd", world) == pytest.approx(ramp(own), abs=0.01)


@pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
def test_a_warped_volume_is_resampled_to_what_is_seen(
    stage: Stage, tmp_path: Path, lattice: Lattice
) -> None:
    """A displacement from parent that is linear in position, on top of a rigid transform."""
    volume = add_ramp(stage, lattice)
    grid = stage.scene.AddNewNodeByClass("vtkMRMLGridTransformNode")
    bend = np.array([[0.02, 0.05, 0.0], [0.0, -0.03, 0.04], [0.03, 0.0, 0.01]])
    grid.SetAndObserveTransformFromParent(_grid_transform(bend))
    outer = put_under_matrix(stage, volume, RIGID)
    grid.SetAndObserveTransformNodeID(outer.GetID())
    volume.SetAndObserveTransformNodeID(grid.GetID())
    write_volume(volume, tmp_path / "v.nrrd")
    # world -> (rigid)^-1 -> x + bend x (RAS) -> own frame
    world = lattice.transformed(RIGID).to_world(voxel_points(lattice, 200, seed=2, margin=4.0))
    between = (np.c_[world, np.ones(len(world))] @ np.linalg.inv(RIGID).T)[:, :3] * [-1, -1, 1]
    own = (between + between @ bend.T) * [-1, -1, 1]
    assert read_at(tmp_path / "v.nrrd", world) == pytest.approx(ramp(own), abs=0.05)


def _grid_transform(bend: np.ndarray) -> Any:
    """Return the transform x -> x + bend x (RAS) as a displacement grid, 25 mm apart."""
    ticks = np.arange(-300.0, 301.0, 25.0)
    z, y, x = np.meshgrid(ticks, ticks, ticks, indexing="ij")
    field = np.stack((x, y, z), -1) @ bend.T
    image = vtk.vtkImageData()
    image.SetDimensions(len(ticks), len(ticks), len(ticks))
    image.SetSpacing(25.0, 25.0, 25.0)
    image.SetOrigin(-300.0, -300.0, -300.0)
    image.GetPointData().SetScalars(numpy_to_vtk(field.reshape(-1, 3), deep=1))
    transform = slicer.vtkOrientedGridTransform()
    transform.SetDisplacementGridData(image)
    return transform


def test_the_volume_in_the_scene_is_not_changed(stage: Stage, tmp_path: Path) -> None:
    volume = add_ramp(stage, FLIPPED)
    put_under_matrix(stage, volume, SHEAR)
    before = (volume.GetMTime(), volume.GetImageData().GetMTime(), lattice_of(volume))
    write_volume(volume, tmp_path / "v.nrrd")
    assert (volume.GetMTime(), volume.GetImageData().GetMTime()) == before[:2]
    assert lattice_of(volume).is_close(before[2])


def test_integer_voxels_stay_what_they_are(stage: Stage, tmp_path: Path) -> None:
    values = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) - 50
    lattice = OBLIQUE.centered((6, 5, 4), (1, 2, 3), (0, 0, 0))
    volume = add_volume(stage.scene, "v", values, lattice)
    write_volume(volume, tmp_path / "v.nrrd")
    image = sitk.ReadImage(str(tmp_path / "v.nrrd"))
    assert image.GetPixelID() == sitk.sitkInt16
    assert np.array_equal(sitk.GetArrayFromImage(image), values)


def test_what_cannot_be_registered_is_said_in_words(stage: Stage) -> None:
    def problem(values: np.ndarray) -> str:
        return problem_with(add_volume(stage.scene, "bild", values, PLAIN))

    good = np.random.default_rng(1).random((6, 5, 4))
    assert problem(good) == ""
    assert "single slice" in problem(good[:1])
    assert "same value" in problem(np.zeros((6, 5, 4), np.uint8))
    bad = good.copy()
    bad[1, 2, 3] = np.nan
    assert "not numbers" in problem(bad)
    empty = stage.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "leer")
    assert "no voxels" in problem_with(empty)
    color = stage.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "bunt")
    data = image_data(good)
    data.GetPointData().SetScalars(numpy_to_vtk(np.ones((data.GetNumberOfPoints(), 3)), deep=1))
    color.SetAndObserveImageData(data)
    assert "vector" in problem_with(color)


def test_what_a_volume_shows_is_told_of_one_that_can_be_registered(stage: Stage) -> None:
    values = np.random.default_rng(1).random((6, 5, 4))
    assert shows_brain(add_volume(stage.scene, "noise", values, PLAIN)) is False
    assert shows_brain(add_volume(stage.scene, "slice", values[:1], PLAIN)) is None
    assert shows_brain(None) is None


def test_voxels_that_change_are_looked_at_again(stage: Stage) -> None:
    volume = add_volume(stage.scene, "v", np.zeros((6, 5, 4)), PLAIN)
    assert "same value" in problem_with(volume)
    slicer.util.updateVolumeFromArray(volume, np.random.default_rng(1).random((6, 5, 4)))
    assert problem_with(volume) == ""


def test_a_file_that_cannot_be_written_is_said_in_words(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        write_volume(add_ramp(stage, PLAIN), tmp_path / "absent" / "v.nrrd")


def test_a_first_guess_is_inverted_and_turned_to_lps(stage: Stage, tmp_path: Path) -> None:
    """Applied to the moving volume it brings it onto the fixed one; ITK's maps back."""
    volume = add_ramp(stage, OBLIQUE)
    transform = put_under_matrix(stage, volume, SHEAR @ RIGID)
    write_linear_transform(transform, tmp_path / "t.tfm")
    fixed_to_moving = read_linear_transform(tmp_path / "t.tfm")
    assert fixed_to_moving @ SHEAR @ RIGID == pytest.approx(np.eye(4), abs=1e-9)


def test_a_first_guess_has_to_be_linear(stage: Stage, tmp_path: Path) -> None:
    grid = stage.scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "bend")
    grid.SetAndObserveTransformFromParent(_grid_transform(0.1 * np.eye(3)))
    with pytest.raises(InputError, match="bend is not linear"):
        write_linear_transform(grid, tmp_path / "t.tfm")


def curved(stage: Stage, kind: str) -> Any:
    """Return a transform node that bends by some millimetres, about the lattices' middle."""
    rng = np.random.default_rng(7)
    bend = 0.02 * rng.standard_normal((3, 3))
    name = "vtkMRMLBSplineTransformNode" if kind == "b-spline" else "vtkMRMLGridTransformNode"
    node = stage.scene.AddNewNodeByClass(name, "bend")
    if kind == "b-spline":
        image = vtk.vtkImageData()
        image.SetDimensions(9, 9, 9)
        image.SetSpacing(40.0, 40.0, 40.0)
        image.SetOrigin(-160.0, -160.0, -160.0)
        weights = 3.0 * rng.standard_normal((9**3, 3))
        image.GetPointData().SetScalars(numpy_to_vtk(weights, deep=1))
        spline = slicer.vtkOrientedBSplineTransform()
        spline.SetCoefficientData(image)
        node.SetAndObserveTransformFromParent(spline)
    elif kind == "to parent":
        node.SetAndObserveTransformToParent(_grid_transform(bend))
    else:
        node.SetAndObserveTransformFromParent(_grid_transform(bend))
    if kind in ("composite", "hardened"):
        outer = stage.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        outer.SetMatrixTransformToParent(to_matrix(LPS_RAS @ RIGID @ LPS_RAS))
        node.SetAndObserveTransformNodeID(outer.GetID())
        if kind == "hardened":
            node.HardenTransform()
    return node


KINDS = ["from parent", "to parent", "b-spline", "composite", "hardened"]


@pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_transform_that_is_written_warps_as_slicer_hardens(
    stage: Stage, tmp_path: Path, lattice: Lattice, kind: str
) -> None:
    fixed = add_ramp(stage, lattice)
    node = curved(stage, kind)
    path = tmp_path / f"t{transform_suffix(node)}"
    assert path.suffix == ".nrrd"
    assert list(write_transform(node, fixed, path)) == []  # done within one step
    given = read_given_transform(path)
    assert given.kind == "displacement field"
    # what Slicer makes of a moving volume that is large enough to be seen everywhere
    moving = add_ramp(stage, Lattice.from_geometry((60, 60, 60), (5, 5, 5), (-140, -140, -140)))
    moving.SetAndObserveTransformNodeID(node.GetID())
    moving.HardenTransform()
    assert moving.GetParentTransformNode() is None
    write_volume(moving, tmp_path / "hardened.nrrd")
    inner = lattice.to_world(voxel_points(lattice, 100, seed=3, margin=1.0).round())
    warped = read_at(tmp_path / "hardened.nrrd", inner)
    points = np.array([given.itk.TransformPoint(point) for point in inner.tolist()])
    assert np.linalg.norm(points - inner, axis=1).max() > 1.0
    assert ramp(points) == pytest.approx(warped, abs=0.4)  # 0.1 mm: Slicer resamples once more


@pytest.mark.parametrize("kind", KINDS)
def test_a_transform_is_written_as_slicer_maps_each_voxel(
    stage: Stage, tmp_path: Path, kind: str
) -> None:
    """Of a fixed volume that lies under a transform itself, too."""
    fixed, node = add_ramp(stage, FLIPPED), curved(stage, kind)
    put_under_matrix(stage, fixed, RIGID)
    list(write_transform(node, fixed, tmp_path / "t.nrrd"))
    seen_at = FLIPPED.transformed(RIGID)
    field = displacement_of(read_given_transform(tmp_path / "t.nrrd").itk, seen_at)
    from_world = vtk.vtkGeneralTransform()
    node.GetTransformFromWorld(from_world)
    for voxel in voxel_points(FLIPPED, 20, seed=5).round().astype(int).tolist():
        here = seen_at.to_world(np.array(voxel, float))
        there = np.array(from_world.TransformPoint(*(here * [-1, -1, 1]))) * [-1, -1, 1]
        i, j, k = voxel
        assert field[:, k, j, i] == pytest.approx(there - here, abs=1e-3)


def test_a_linear_transform_is_written_as_such(stage: Stage, tmp_path: Path) -> None:
    volume = add_ramp(stage, OBLIQUE)
    transform = put_under_matrix(stage, volume, SHEAR @ RIGID)
    path = tmp_path / f"t{transform_suffix(transform)}"
    assert list(write_transform(transform, volume, path)) == []
    given = read_given_transform(path)
    assert given.kind == "linear"
    there = np.array(given.itk.TransformPoint((1.0, 2.0, 3.0)))
    assert np.append(there, 1) @ (SHEAR @ RIGID).T == pytest.approx([1, 2, 3, 1], abs=1e-9)


def test_a_transform_that_takes_long_lets_others_have_their_turn(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("TTAUncertaintyLib.scene.inputs._STEP_S", 0.0)
    steps = write_transform(curved(stage, "to parent"), add_ramp(stage, PLAIN), tmp_path / "t.nrrd")
    assert len(list(steps)) == PLAIN.size[2]
    assert (tmp_path / "t.nrrd").is_file()


@pytest.mark.parametrize("matrix", [None, RIGID, SHEAR], ids=["none", "rigid", "sheared"])
@pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
def test_labels_lie_on_the_voxels_of_their_volume_with_names_and_colours(
    stage: Stage, tmp_path: Path, lattice: Lattice, matrix: np.ndarray | None
) -> None:
    volume = add_ramp(stage, lattice)
    values = np.zeros(lattice.array_shape, np.int16)
    values[2:6, 3:9, 2:5], values[2:6, 3:9, 6:10] = 2, 5
    node = add_volume(stage.scene, "atlas", values, lattice, labels=True)
    colors = stage.scene.AddNewNodeByClass("vtkMRMLColorTableNode", "Mine")
    colors.SetTypeToUser()
    colors.SetNumberOfColors(6)
    colors.SetColor(2, "Left Schläfe", 1.0, 0.0, 0.2, 1.0)
    colors.SetColor(5, "Right Schläfe", 0.0, 1.0, 0.0, 1.0)
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    if matrix is not None:
        for each in (volume, node):
            put_under_matrix(stage, each, matrix)
    write_volume(volume, tmp_path / "v.nrrd")
    write_labels(stage, node, volume, tmp_path / "l.seg.nrrd")
    found = read_label_map(tmp_path / "l.seg.nrrd", moving=read_image(tmp_path / "v.nrrd")[0])
    assert found.lattice.is_close(read_image(tmp_path / "v.nrrd")[0].lattice)
    assert [(each.name, each.color) for each in found.structures] == [
        ("Left Schläfe", (255, 0, 51)),
        ("Right Schläfe", (0, 255, 0)),
    ]
    # wherever a voxel of the file lies clearly in one of the drawing's voxels, it has its label
    back = np.linalg.inv(np.eye(4) if matrix is None else matrix)
    k, j, i = np.indices(found.lattice.array_shape).reshape(3, -1)
    world = found.lattice.to_world(np.stack((i, j, k), -1))
    voxel = lattice.to_voxel(world @ back[:3, :3].T + back[:3, 3])
    nearest = voxel.round().astype(int)
    sure = (np.abs(voxel - nearest) < 0.45).all(1)
    sure &= ((nearest >= 0) & (nearest < lattice.size)).all(1)
    i, j, k = nearest[sure].T
    labels = np.array([0, 2, 5])[found.numbers].ravel()[sure]
    assert np.array_equal(labels, values[k, j, i])
    assert set(labels) == {0, 2, 5}


def test_labels_that_lie_elsewhere_are_refused(stage: Stage, tmp_path: Path) -> None:
    far = PLAIN.transformed(affine(np.eye(3), (900.0, 0.0, 0.0)))
    node = add_volume(stage.scene, "atlas", np.ones(PLAIN.array_shape, np.uint8), far, labels=True)
    with pytest.raises(InputError, match="Nothing of atlas lies on Bild für Ärzte"):
        write_labels(stage, node, add_ramp(stage, PLAIN), tmp_path / "l.seg.nrrd")
    assert not (tmp_path / "l.seg.nrrd").exists()
