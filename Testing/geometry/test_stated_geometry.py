"""Headers that contradict themselves: told with figures, or refused; never taken without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.lattices import OBLIQUE, affine
from support.nifti import nifti_header

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice, read_image, read_stored

RAMP = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
#: RAS.
PLAIN_FORM = np.array([[1.0, 0, 0, 10], [0, 1, 0, 20], [0, 0, 1, 30]])


def nifti(path: Path, **header: object) -> Path:
    path.write_bytes(nifti_header((6, 5, 4), **header) + RAMP.tobytes())  # type: ignore[arg-type]
    return path


def of_itk(path: Path) -> Lattice:
    """Return what 3D Slicer shows."""
    return Lattice.of(sitk.ReadImage(str(path)))


@pytest.mark.parametrize(("code", "taken"), [(1, "sform"), (2, "qform"), (4, "qform")])
def test_two_geometries_are_told_with_their_distance_and_the_one_that_slicer_shows_is_taken(
    code: int, taken: str, tmp_path: Path
) -> None:
    path = nifti(tmp_path / "a.nii", sform=PLAIN_FORM, sform_code=code, qform_offset=(10, 20, 33.5))
    stored = read_stored(path)
    assert stored.lattice.is_close(of_itk(path))
    assert stored.lattice.origin[2] == pytest.approx(30 if taken == "sform" else 33.5)
    (note,) = stored.notes
    assert "3.5 mm" in note and f"The {taken} was taken" in note
    assert read_image(path)[1].as_dict()["notes"] == [note]


def test_two_geometries_that_agree_are_worth_no_word(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", sform=PLAIN_FORM, sform_code=4, qform_offset=(10, 20, 30.05))
    assert read_stored(path).notes == ()


def test_a_header_without_axes_is_told(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii")
    stored = read_stored(path)
    assert stored.lattice.is_close(of_itk(path))
    assert "Left and right may be" in stored.notes[0]


def test_an_sform_that_only_turns_takes_its_spacing_from_pixdim_and_is_told(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", sform=PLAIN_FORM, spacing=(1.5, 1.5, 8.0))
    stored = read_stored(path)
    assert np.allclose(stored.lattice.spacing, [1.5, 1.5, 8.0])
    assert stored.lattice.is_close(of_itk(path))
    assert "1.5 x 1.5 x 8 mm" in stored.notes[0]


def test_a_spacing_that_contradicts_the_only_form_is_refused(tmp_path: Path) -> None:
    form = PLAIN_FORM * [[2.0, 2.0, 2.0, 1.0]]
    with pytest.raises(InputError, match="contradicts itself") as caught:
        read_image(nifti(tmp_path / "a.nii", sform=form))
    assert "mm apart" in caught.value.problem


@pytest.mark.parametrize(("units", "factor"), [(1, 0.001), (3, 1000.0)])
def test_metres_and_micrometres_are_understood(units: int, factor: float, tmp_path: Path) -> None:
    form = PLAIN_FORM * factor
    path = nifti(tmp_path / "a.nii", sform=form, spacing=(factor,) * 3, units=units)
    stored = read_stored(path)
    assert np.allclose(stored.lattice.spacing, 1.0)
    assert np.allclose(stored.lattice.origin, [-10, -20, 30], atol=1e-4)
    assert stored.notes == ()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.nrrd", b"encoding: raw", b'space units: "um" "um" "um"\nencoding: raw'),
        ("a.mha", b"ElementType", b"DistanceUnits = um\nElementType"),
    ],
)
def test_other_units_in_other_formats_are_refused(
    name: str, old: bytes, new: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    sitk.WriteImage(sitk.GetImageFromArray(RAMP), str(path))
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(InputError, match="lengths in um"):
        read_image(path)


def test_a_nrrd_that_names_no_world_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.nrrd"
    path.write_bytes(
        b"NRRD0004\ntype: float\ndimension: 3\nsizes: 6 5 4\nspacings: 1 2 3\n"
        b"endian: little\nencoding: raw\n\n" + RAMP.tobytes()
    )
    stored = read_stored(path)
    assert stored.lattice.is_close(of_itk(path))
    assert "patient's left" in stored.notes[0]


def sheared(path: Path, shear: float) -> Path:
    """Write an image whose first axis leans over, as ITK lets one do."""
    image = sitk.GetImageFromArray(RAMP)
    direction = np.eye(3)
    direction[:2, 1] = shear, np.sqrt(1 - shear**2)
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("ending", ["nrrd", "mha"])
def test_a_shear_below_a_tenth_of_a_voxel_is_straightened(ending: str, tmp_path: Path) -> None:
    path = sheared(tmp_path / f"a.{ending}", 1e-4)
    assert not of_itk(path).is_orthogonal
    lattice = read_image(path)[0].lattice
    assert lattice.is_orthogonal
    assert lattice.farthest_from(of_itk(path)) < 1e-3
    read_image(path)[0].to_itk()


@pytest.mark.parametrize("ending", ["nrrd", "mha"])
def test_a_larger_shear_is_refused_with_its_size(ending: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not perpendicular: a shear .* 0.3"):
        read_image(sheared(tmp_path / f"a.{ending}", 0.2))


def test_a_straightened_lattice_keeps_its_centre_and_its_spacing() -> None:
    shear = np.eye(3)
    shear[0, 1] = 0.01
    leaning = OBLIQUE.transformed(affine(shear, (0, 0, 0)))
    straight = leaning.straightened()
    assert straight.is_orthogonal and not leaning.is_orthogonal
    assert np.allclose(straight.center, leaning.center)
    assert np.allclose(straight.spacing, leaning.spacing)
    assert OBLIQUE.straightened().is_close(OBLIQUE, 1e-9)
