"""Reading images: what is right is read exactly, what is wrong is refused in so many words."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.images import noise
from support.lattices import FLIPPED, OBLIQUE
from support.nifti import nifti_header

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import read_image, read_labels


def write(path: Path, array: np.ndarray, **header: object) -> Path:
    image = sitk.GetImageFromArray(array, isVector=bool(header.pop("vector", False)))
    if "spacing" in header:
        image.SetSpacing(header["spacing"])
    sitk.WriteImage(image, str(path))
    return path


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd"])
def test_every_format_gives_the_same_image(ending: str, tmp_path: Path) -> None:
    stored = noise(FLIPPED)
    path = tmp_path / f"image.{ending}"
    sitk.WriteImage(stored.to_itk(), str(path))
    image, origin = read_image(path)
    assert torch.equal(image.intensities, stored.intensities)
    # NIfTI keeps its header in float32
    assert image.lattice.is_close(FLIPPED, 1e-4)
    content = b"".join(file.read_bytes() for file in origin.files)
    assert origin.files[0] == path and len(origin.files) == (2 if ending in ("nhdr", "mhd") else 1)
    assert origin.sha256 == hashlib.sha256(content).hexdigest()
    assert origin.path == path and origin.nonfinite_replaced == 0


@pytest.mark.parametrize("name", ["Gehirn müde.nii.gz", "脳.nrrd", "κρανίο/ö.mha"])
def test_paths_may_be_in_any_script(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    sitk.WriteImage(noise(OBLIQUE).to_itk(), str(path))
    assert torch.equal(read_image(path)[0].intensities, noise(OBLIQUE).intensities)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float64])
def test_every_pixel_type_becomes_float32(kind: type, tmp_path: Path) -> None:
    array = (ramp(4, 5, 6) % 200).astype(kind)
    image, origin = read_image(write(tmp_path / "image.nrrd", array))
    assert image.intensities.dtype == torch.float32
    assert np.array_equal(image.intensities.numpy(), array.astype(np.float32))
    assert origin.pixel_type != ""


def test_a_4d_file_with_one_volume_is_a_volume(tmp_path: Path) -> None:
    volume = sitk.GetImageFromArray(ramp(4, 5, 6))
    path = tmp_path / "image.nii"
    sitk.WriteImage(sitk.JoinSeries([volume]), str(path))
    assert np.array_equal(read_image(path)[0].intensities.numpy(), ramp(4, 5, 6))


def _missing(folder: Path) -> Path:
    return folder / "nowhere.nii"


def _empty(folder: Path) -> Path:
    (folder / "image.nii").write_bytes(b"")
    return folder / "image.nii"


def _text(folder: Path) -> Path:
    (folder / "image.nii").write_text("This is a letter, not an image.\n" * 50)
    return folder / "image.nii"


def _truncated(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        sitk.WriteImage(noise(OBLIQUE).to_itk(), str(path))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return make


def _one_byte_short(folder: Path) -> Path:
    path = folder / "image.nii"
    sitk.WriteImage(noise(OBLIQUE).to_itk(), str(path))
    path.write_bytes(path.read_bytes()[:-1])
    return path


def _corrupt_gzip(folder: Path) -> Path:
    path = folder / "image.nii.gz"
    sitk.WriteImage(noise(OBLIQUE).to_itk(), str(path))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    path.write_bytes(bytes(content))
    return path


def _two_dimensional(folder: Path) -> Path:
    return write(folder / "image.nrrd", ramp(8, 9))


def _one_slice(folder: Path) -> Path:
    return write(folder / "image.nrrd", ramp(1, 8, 9))


def _four_dimensional(folder: Path) -> Path:
    volumes = [sitk.GetImageFromArray(ramp(4, 5, 6) + n) for n in range(3)]
    path = folder / "image.nii"
    sitk.WriteImage(sitk.JoinSeries(volumes), str(path))
    return path


def _vector(folder: Path) -> Path:
    return write(folder / "image.nrrd", ramp(4, 5, 6, 3), vector=True)


def _complex(folder: Path) -> Path:
    image = sitk.RealAndImaginaryToComplex(*[sitk.GetImageFromArray(ramp(4, 5, 6))] * 2)
    sitk.WriteImage(image, str(folder / "image.nrrd"))
    return folder / "image.nrrd"


def _constant(folder: Path) -> Path:
    return write(folder / "image.nrrd", np.full((4, 5, 6), 3.0, np.float32))


def _with_nan(ending: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        array = ramp(4, 5, 6)
        array[1, 2, 3], array[0, 0, 0], array[2, 2, 2] = np.nan, np.inf, -np.inf
        return write(folder / f"image.{ending}", array)

    return make


def _all_nan(ending: str) -> Callable[[Path], Path]:
    return lambda folder: write(folder / f"image.{ending}", np.full((4, 5, 6), np.nan, np.float32))


def _in_metres(folder: Path) -> Path:
    return write(folder / "image.nrrd", ramp(4, 5, 6), spacing=(0.001, 0.001, 0.001))


def _in_micrometres(folder: Path) -> Path:
    return write(folder / "image.nrrd", ramp(4, 5, 6), spacing=(1.0, 1.0, 1000.0))


def _empty_folder(folder: Path) -> Path:
    (folder / "series").mkdir()
    return folder / "series"


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (_missing, "does not exist"),
    "empty": (_empty, "is empty"),
    "text": (_text, "cannot be read as an image"),
    "one byte short": (_one_byte_short, "1 bytes are missing"),
    "truncated": (_truncated("image.nii"), "truncated or damaged"),
    "truncated gzip": (_truncated("image.nii.gz"), "truncated or damaged"),
    "corrupt gzip": (_corrupt_gzip, "truncated or damaged|cannot be read as an image"),
    "truncated nrrd": (_truncated("image.nrrd"), "bytes are missing"),
    "truncated mha": (_truncated("image.mha"), "bytes are missing"),
    "two-dimensional": (_two_dimensional, "flat image"),
    "one slice": (_one_slice, "flat image"),
    "four-dimensional": (_four_dimensional, "four-dimensional"),
    "vector": (_vector, "3 components"),
    "complex": (_complex, "complex"),
    "constant": (_constant, "is constant"),
    "not finite": (_with_nan("nrrd"), "3 voxels that are NaN or infinite"),
    # ITK turns what is not finite in a NIfTI file into zeros
    "not finite in NIfTI": (_with_nan("nii"), "3 voxels that are NaN or infinite"),
    "not finite in compressed NIfTI": (_with_nan("nii.gz"), "3 voxels that are NaN or infinite"),
    "nothing finite": (_all_nan("nrrd"), "no finite value"),
    "nothing finite in NIfTI": (_all_nan("nii.gz"), "no finite value"),
    "spacing in metres": (_in_metres, "spacing of 0.001"),
    "spacing in micrometres": (_in_micrometres, "spacing of 1 x 1 x 1000"),
    "folder without images": (_empty_folder, "no DICOM series"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_registered_is_refused_by_name(case: str, tmp_path: Path) -> None:
    make, word = REFUSED[case]
    path = make(tmp_path)
    with pytest.raises(InputError, match=word) as caught:
        read_image(path)
    assert path.name in caught.value.problem
    assert caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("ending", ["nrrd", "mha", "nii", "nii.gz"])
def test_nan_and_infinity_become_the_smallest_finite_value_when_asked(
    ending: str, tmp_path: Path
) -> None:
    image, origin = read_image(_with_nan(ending)(tmp_path), replace_nonfinite=True)
    expected = ramp(4, 5, 6)
    # voxel 0 held the smallest value; the smallest finite one is now 1
    expected[1, 2, 3] = expected[0, 0, 0] = expected[2, 2, 2] = 1.0
    assert np.array_equal(image.intensities.numpy(), expected)
    assert origin.nonfinite_replaced == 3


def test_an_image_without_any_finite_value_cannot_be_repaired(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finite value"):
        read_image(_all_nan("nii")(tmp_path), replace_nonfinite=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "image.nrrd", ramp(4, 5, 6))
    path.chmod(0)
    with pytest.raises(InputError):
        read_image(path)


def _with_sform(path: Path, linear: np.ndarray) -> Path:
    """Rewrite a NIfTI header: no qform, and an sform with this 3x3 part (RAS, mm)."""
    sitk.WriteImage(sitk.GetImageFromArray(ramp(4, 5, 6)), str(path))
    content = bytearray(path.read_bytes())
    struct.pack_into("<hh", content, 252, 0, 1)  # qform_code, sform_code
    for row in range(3):
        struct.pack_into("<4f", content, 280 + 16 * row, *linear[row], 0.0)
    path.write_bytes(bytes(content))
    return path


def test_a_nifti_header_with_a_shear_is_never_read_as_if_it_had_none(tmp_path: Path) -> None:
    sheared = np.array([[1.0, 0.3, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.raises(InputError, match="not perpendicular"):
        read_image(_with_sform(tmp_path / "image.nii", sheared))


def test_a_nifti_header_with_a_rotation_is_read(tmp_path: Path) -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    turned = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    lattice = read_image(_with_sform(tmp_path / "image.nii", turned))[0].lattice
    # NIfTI is RAS, the world here LPS: x and y change sign; the header is float32
    assert np.allclose(lattice.linear, np.diag([-1, -1, 1]) @ turned, atol=1e-6)


def test_a_nifti_file_of_either_byte_order_is_complete_when_it_is(tmp_path: Path) -> None:
    for order in "<>":
        path = tmp_path / "image.nii"
        header, body = (
            nifti_header((6, 5, 4), order=order),
            ramp(4, 5, 6).astype(f"{order}f4").tobytes(),
        )
        path.write_bytes(header + body)
        assert np.array_equal(read_image(path)[0].intensities.numpy(), ramp(4, 5, 6))
        path.write_bytes(header + body[:-4])
        with pytest.raises(InputError, match="4 bytes are missing"):
            read_image(path)


def test_labels_may_be_constant(tmp_path: Path) -> None:
    path = write(tmp_path / "mask.nrrd", np.ones((4, 5, 6), np.uint8))
    assert float(read_labels(path)[0].intensities.min()) == 1.0


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan])
def test_labels_are_whole_numbers_from_zero_up(value: float, tmp_path: Path) -> None:
    array = np.ones((4, 5, 6), np.float32)
    array[1, 2, 3] = value
    with pytest.raises(InputError, match="not a label map"):
        read_labels(write(tmp_path / "mask.nrrd", array))
