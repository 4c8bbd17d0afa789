"""The provisional map: two nodes that stay, whose voxels are replaced, and that leave no trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from support.lattices import FLIPPED, OBLIQUE

from TTAUncertaintyLib.scene.arrays import array_of, lattice_of
from TTAUncertaintyLib.scene.preview import remove_preview, show_preview
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.worker.run import Preview

INSIDE = tuple(slice(2, n - 2) for n in FLIPPED.array_shape)


def write(path: Path, value: float, everywhere: bool = True) -> Path:
    """Write a block of a value; around it the same, or zero."""
    values = np.full(FLIPPED.array_shape, value if everywhere else 0, np.float32)
    values[INSIDE] = value
    sitk.WriteImage(FLIPPED.stamp(sitk.GetImageFromArray(values)), str(path))
    return path


def test_the_same_nodes_sharpen_in_place(stage: Stage, tmp_path: Path) -> None:
    warped = write(tmp_path / "warped.nrrd", 100.0, everywhere=False)
    first = show_preview(stage, Preview(tmp_path, 0, None, warped))
    assert first.total is None
    assert lattice_of(first.warped).is_close(FLIPPED)
    total = write(tmp_path / "total_2.nrrd", 1.5)
    second = show_preview(stage, Preview(tmp_path, 2, total, warped))
    assert second.warped is first.warped
    assert np.all(array_of(second.total)[INSIDE] == 1.5)
    total = write(tmp_path / "total_4.nrrd", 2.5)
    third = show_preview(stage, Preview(tmp_path, 4, total, warped))
    assert third.total is second.total
    assert np.all(array_of(third.total)[INSIDE] == 2.5)
    assert np.isnan(array_of(third.total)[0]).all()  # no anatomy there
    assert "provisional" in third.total.GetName()


def test_a_file_that_was_replaced_meanwhile_is_left_out(stage: Stage, tmp_path: Path) -> None:
    warped = write(tmp_path / "warped.nrrd", 100.0, everywhere=False)
    shown = show_preview(stage, Preview(tmp_path, 2, tmp_path / "gone.nrrd", warped))
    assert shown.total is None


def test_another_run_begins_anew_on_its_own_voxels(stage: Stage, tmp_path: Path) -> None:
    """Also where the run before left its provisional maps: its warped image is not this one's."""
    warped = write(tmp_path / "warped.nrrd", 100.0, everywhere=False)
    show_preview(stage, Preview(tmp_path, 2, write(tmp_path / "total.nrrd", 1.5), warped))
    other = tmp_path / "other"
    other.mkdir()
    values = np.zeros(OBLIQUE.array_shape, np.float32)
    values[2:-2, 2:-2, 2:-2] = 7.0
    for name in ("warped", "total"):
        image = OBLIQUE.stamp(sitk.GetImageFromArray(values))
        sitk.WriteImage(image, str(other / f"{name}.nrrd"))
    shown = show_preview(stage, Preview(other, 2, other / "total.nrrd", other / "warped.nrrd"))
    for node in (shown.warped, shown.total):
        assert lattice_of(node).is_close(OBLIQUE)
        assert np.nanmax(array_of(node)) == 7.0
    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2


def test_nothing_is_left_of_it(stage: Stage, tmp_path: Path) -> None:
    warped, total = (
        write(tmp_path / "warped.nrrd", 100.0, everywhere=False),
        write(tmp_path / "total.nrrd", 1.5),
    )
    before = stage.scene.GetNumberOfNodes()
    show_preview(stage, Preview(tmp_path, 2, total, warped))
    assert stage.scene.GetNumberOfNodes() > before
    remove_preview(stage)
    assert stage.scene.GetNumberOfNodes() == before
    remove_preview(stage)


def test_it_is_not_saved_with_the_scene(stage: Stage, tmp_path: Path) -> None:
    warped = write(tmp_path / "warped.nrrd", 100.0, everywhere=False)
    shown = show_preview(stage, Preview(tmp_path, 0, None, warped))
    assert not shown.warped.GetSaveWithScene()
