"""An image lies in the same place however it is handed over, or is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from support.lattices import FLIPPED, OBLIQUE, PLAIN, SHEARED, lattices

from TTAUncertaintyLib.api.images import as_file
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def numbered(lattice: Lattice) -> sitk.Image:
    """Return an image in which every voxel has a value of its own."""
    values = np.arange(np.prod(lattice.size), dtype=np.int16).reshape(lattice.array_shape)
    return lattice.stamp(sitk.GetImageFromArray(values))


def same(one: sitk.Image, other: sitk.Image) -> bool:
    return Lattice.of(one).is_close(Lattice.of(other)) and np.array_equal(
        sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(other)
    )


def handed_over(image: object, folder: Path) -> sitk.Image:
    return sitk.ReadImage(str(as_file(image, "fixed", folder)[0]))


@pytest.mark.parametrize("lattice", [PLAIN, OBLIQUE, FLIPPED], ids=["plain", "oblique", "flipped"])
def test_an_array_and_its_affine_are_read_as_the_nifti_standard_has_them(
    lattice: Lattice, tmp_path: Path
) -> None:
    """The bytes of a file of ITK's: voxels in order, i fastest; the sform, voxels to RAS mm."""
    image = numbered(lattice)
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    content = gzip.decompress((tmp_path / "image.nii.gz").read_bytes())
    affine = np.eye(4)
    affine[:3] = np.frombuffer(content, "<f4", 12, 280).reshape(3, 4)
    start = int(np.frombuffer(content, "<f4", 1, 108)[0])
    array = np.frombuffer(content, "<i2", offset=start).reshape(lattice.size, order="F")
    assert same(handed_over((array, affine), tmp_path), image)
    as_nibabel = SimpleNamespace(dataobj=array, affine=affine)
    assert same(handed_over(as_nibabel, tmp_path), image)


@given(lattice=lattices())
def test_every_form_of_an_image_lies_in_the_same_place(
    lattice: Lattice, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("images")
    image = numbered(lattice)
    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    assert same(handed_over(image, folder), image)
    assert same(handed_over((array, _LPS_TO_RAS @ lattice.matrix), folder), image)


def test_a_path_is_left_as_it_is(tmp_path: Path) -> None:
    assert as_file(str(tmp_path / "a.nii"), "fixed", tmp_path) == (tmp_path / "a.nii", "")
    assert as_file(tmp_path, "fixed", tmp_path) == (tmp_path, "")
    assert not list(tmp_path.iterdir())


def test_it_is_said_how_an_array_was_understood(tmp_path: Path) -> None:
    affine = np.array([[0, 0, -3.0, 9], [2.0, 0, 0, 0], [0, 2.5, 0, 0], [0, 0, 0, 1]])
    _, words = as_file((np.zeros((5, 6, 7)), affine), "moving", tmp_path)
    assert words == "moving: 5 x 6 x 7 voxels (i, j, k) of 2 x 2.5 x 3 mm, which run to A, S, L"


@pytest.mark.parametrize("kind", ["?", "u1", ">i2", "<i8", "f2", ">f4", "f8"])
def test_values_of_any_real_type_arrive(kind: str, tmp_path: Path) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 2).astype(kind)
    back = sitk.GetArrayFromImage(handed_over((array, np.eye(4)), tmp_path))
    assert np.array_equal(back, array.transpose(2, 1, 0))


_ARRAY = np.zeros((4, 5, 6), np.float32)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (_ARRAY, "does not say where it lies"),
        ((_ARRAY, np.eye(3)), "not a 4x4 matrix"),
        ((_ARRAY, (1, 1, 1)), "not a 4x4 matrix"),
        ((_ARRAY, "RAS"), "not a 4x4 matrix"),
        ((np.eye(4), _ARRAY), "has 2 axes"),
        ((_ARRAY[None], np.eye(4)), "has 4 axes"),
        ((_ARRAY, np.eye(4)[::-1]), "last row"),
        ((_ARRAY, np.diag([1.0, 0, 1, 1])), "cannot be used"),
        ((_ARRAY, np.diag([np.nan, 1, 1, 1])), "cannot be used"),
        ((_ARRAY, SHEARED.matrix), "shear"),
        ((_ARRAY.astype(complex), np.eye(4)), "complex"),
        ([_ARRAY, np.eye(4)], "no known kind"),
        (7, "no known kind"),
    ],
)
def test_what_could_be_misread_is_refused(image: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        as_file(image, "fixed", tmp_path)
