"""Files cut short, damaged or made to deceive: never other voxels than were stored, in silence."""

from __future__ import annotations

import gzip
import os
import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.images import noise
from support.lattices import OBLIQUE, PLAIN
from support.nifti import nifti_header

from TTAUncertaintyLib.errors import InputError, ResourceError
from TTAUncertaintyLib.geometry import image_sha256, read_image, read_stored, voxels

RAMP = np.arange(13 * 14 * 15, dtype=np.int16).reshape(13, 14, 15)


def write(path: Path, array: np.ndarray = RAMP, compress: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path), useCompression=compress)
    return path


def noisy(path: Path, compress: bool = True) -> Path:
    """Write voxels that hardly compress, so that damage hits them."""
    sitk.WriteImage(noise(OBLIQUE).to_itk(), str(path), useCompression=compress)
    return path


WAYS = {
    "nii": ("image.nii", False),
    "nii.gz": ("image.nii.gz", True),
    "pair": ("image.hdr", False),
    "nrrd": ("image.nrrd", False),
    "nrrd gzip": ("image.nrrd", True),
    "nhdr": ("image.nhdr", False),
    "nhdr gzip": ("image.nhdr", True),
    "mha": ("image.mha", False),
    "mha zlib": ("image.mha", True),
    "mhd": ("image.mhd", False),
    "mhd zlib": ("image.mhd", True),
}


def file_of_voxels(path: Path) -> Path:
    """Return the file beside a header, or the file itself."""
    return next((file for file in path.parent.iterdir() if file != path), path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_file_that_was_cut_short_is_refused(way: str, share: float, tmp_path: Path) -> None:
    name, compress = WAYS[way]
    path = noisy(tmp_path / name, compress)
    assert np.array_equal(read_stored(path).values, noise(OBLIQUE).intensities.numpy())
    file = file_of_voxels(path)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(InputError, match="truncated or damaged") as caught:
        read_stored(path)
    assert file.name in caught.value.problem


@pytest.mark.parametrize("way", [way for way, (_, packed) in WAYS.items() if packed])
def test_a_changed_byte_in_compressed_voxels_is_noticed(way: str, tmp_path: Path) -> None:
    path = noisy(tmp_path / WAYS[way][0])
    file = file_of_voxels(path)
    content = bytearray(file.read_bytes())
    content[int(0.8 * len(content))] ^= 0x10
    file.write_bytes(bytes(content))
    with pytest.raises(InputError, match="truncated or damaged"):
        read_stored(path)


def test_a_compressed_metaimage_that_does_not_state_its_size_is_read_exactly(
    tmp_path: Path,
) -> None:
    path = noisy(tmp_path / "image.mha")
    content = path.read_bytes()
    path.write_bytes(re.sub(rb"CompressedDataSize = \d+\n", b"", content))
    assert path.read_bytes() != content
    assert np.array_equal(read_stored(path).values, noise(OBLIQUE).intensities.numpy())


@pytest.mark.parametrize("name", ["image.hdr", "image.img"])
def test_nan_in_either_file_of_a_pair_is_seen(name: str, tmp_path: Path) -> None:
    array = RAMP.astype(np.float32)
    array[1, 2, 3] = np.nan
    write(tmp_path / "image.hdr", array)
    with pytest.raises(InputError, match="1 voxels that are NaN"):
        read_image(tmp_path / name)
    read = read_image(tmp_path / name, replace_nonfinite=True)[1]
    assert read.nonfinite_replaced == 1
    assert [file.name for file in read.files] == ["image.hdr", "image.img"]


def test_half_a_pair_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "image.hdr")
    (tmp_path / "image.img").unlink()
    with pytest.raises(InputError, match="lacks the other file"):
        read_image(tmp_path / "image.hdr")


def test_an_analyze_image_is_refused_since_it_does_not_say_where_left_is(tmp_path: Path) -> None:
    header = bytearray(nifti_header((15, 14, 13), code=4, bits=16)[:348])
    header[344:348] = bytes(4)
    (tmp_path / "image.hdr").write_bytes(bytes(header))
    (tmp_path / "image.img").write_bytes(RAMP.tobytes())
    with pytest.raises(InputError, match="Analyze"):
        read_image(tmp_path / "image.hdr")


@pytest.mark.parametrize("name", ["image.nhdr", "image.mhd", "image.hdr"])
def test_the_hash_covers_the_voxels_of_a_detached_header(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    before = image_sha256(path)
    assert read_image(path)[1].sha256 == before
    file = file_of_voxels(path)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    assert image_sha256(path) != before


@pytest.mark.parametrize("name", ["image.nhdr", "image.mhd"])
def test_a_header_whose_file_of_voxels_is_gone_is_refused(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    file_of_voxels(path).unlink()
    with pytest.raises(InputError, match="not there"):
        read_image(path)


HUGE = {
    "image.nrrd": b"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\n"
    b"sizes: 1200 1200 1200\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain "
    b"domain\nendian: little\nencoding: %s\nspace origin: (0,0,0)\n\n",
    "image.mha": b"ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = %s\n"
    b"ElementSpacing = 1 1 1\nDimSize = 1200 1200 1200\nElementType = MET_SHORT\n"
    b"ElementDataFile = LOCAL\n",
}
HUGE_FILES = {
    "nrrd": ("image.nrrd", HUGE["image.nrrd"] % b"raw" + bytes(1000)),
    "nrrd gzip": ("image.nrrd", HUGE["image.nrrd"] % b"gzip" + gzip.compress(bytes(1_000_000))),
    "mha": ("image.mha", HUGE["image.mha"] % b"False" + bytes(1000)),
    "mha zlib": ("image.mha", HUGE["image.mha"] % b"True" + zlib.compress(bytes(1_000_000))),
    "nii": ("image.nii", nifti_header((1200, 1200, 1200), code=4, bits=16) + bytes(1000)),
    "nii.gz": (
        "image.nii.gz",
        gzip.compress(nifti_header((1200, 1200, 1200), code=4, bits=16) + bytes(1_000_000)),
    ),
}


@pytest.mark.parametrize("way", HUGE_FILES)
def test_a_small_file_that_announces_a_huge_image_is_refused_before_memory_is_taken(
    way: str, tmp_path: Path
) -> None:
    name, content = HUGE_FILES[way]
    path = tmp_path / name
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="bytes are missing"):
            read_stored(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_an_image_that_needs_more_memory_than_there_is_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "image.nrrd")
    monkeypatch.setattr(voxels, "_available_memory", lambda: 6 * RAMP.size - 1)
    with pytest.raises(ResourceError, match="of memory"):
        read_stored(path)
    monkeypatch.setattr(voxels, "_available_memory", lambda: 6 * RAMP.size)
    assert np.array_equal(read_stored(path).values, RAMP)


def test_a_compressed_file_that_never_ends_is_left_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voxels, "_MOST_AFTER", 1 << 20)
    path = tmp_path / "image.nii.gz"
    header = nifti_header((15, 14, 13), code=4, bits=16)
    path.write_bytes(gzip.compress(header + RAMP.tobytes() + bytes(8 << 20)))
    with pytest.raises(InputError, match="far more than the voxels"):
        read_stored(path)


def test_bytes_after_the_voxels_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "image.nii")
    path.write_bytes(path.read_bytes() + b"abc")
    stored = read_stored(path)
    assert np.array_equal(stored.values, RAMP)
    assert any("3 bytes more" in note for note in stored.notes)


def test_several_gzip_members_are_one_file_and_what_follows_them_is_left_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "image.nii.gz"
    whole = nifti_header((15, 14, 13), code=4, bits=16) + RAMP.tobytes()
    members = [gzip.compress(part) for part in (whole[:1000], whole[1000:4000], whole[4000:])]
    path.write_bytes(b"".join(members))
    assert np.array_equal(read_stored(path).values, RAMP)
    path.write_bytes(b"".join(members) + b"garbage")
    assert np.array_equal(read_stored(path).values, RAMP)
    path.write_bytes(members[0] + members[1])
    with pytest.raises(InputError, match="bytes are missing"):
        read_stored(path)


@pytest.mark.parametrize("name", ["image.nii", "image.nrrd", "image.mha", "image.hdr"])
def test_any_header_cut_anywhere_is_refused_and_never_a_mistake_of_ours(
    name: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name)
    content = path.read_bytes()
    for length in range(0, min(len(content) - 1, 348), 3):
        path.write_bytes(content[:length])
        with pytest.raises(InputError):
            read_image(path)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_not_utf8_is_refused_in_words(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/sch\xe4del.nrrd"))
    path.write_bytes(write(tmp_path / "image.nrrd").read_bytes())
    with pytest.raises(InputError, match="UTF-8") as caught:
        read_image(path)
    str(caught.value).encode("utf-8")  # the message itself can be shown


def test_a_name_that_is_too_long_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shorter name"):
        read_image(tmp_path / ("x" * 300 + ".nrrd"))


def test_other_kinds_of_files_are_refused_with_those_that_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "image.vtk")
    with pytest.raises(InputError, match="NIfTI") as caught:
        read_image(path)
    assert path.name in caught.value.problem


@pytest.mark.parametrize("encoding", ["ascii", "hex", "bzip2"])
def test_encodings_of_nrrd_that_are_not_checked_are_not_read(encoding: str, tmp_path: Path) -> None:
    path = write(tmp_path / "image.nrrd")
    path.write_bytes(path.read_bytes().replace(b"encoding: raw", b"encoding: " + encoding.encode()))
    with pytest.raises(InputError, match="stored in a way"):
        read_image(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_voxels_of_any_type_and_byte_order_are_those_that_itk_reads(
    kind: str, order: str, tmp_path: Path
) -> None:
    array = (noise(PLAIN).intensities.numpy() * 50 + 60).astype(kind)
    stored = array.astype(order + kind)
    codes = {"u1": 2, "i1": 256, "u2": 512, "i2": 4, "u4": 768, "i4": 8, "f4": 16, "f8": 64}
    header = nifti_header(PLAIN.size, codes[kind], 8 * array.itemsize, order=order)
    (tmp_path / "image.nii").write_bytes(header + stored.tobytes())
    sitk.WriteImage(PLAIN.stamp(sitk.GetImageFromArray(array)), str(tmp_path / "image.nhdr"))
    for name in ("image.nii", "image.nhdr"):
        read = read_stored(tmp_path / name)
        itk = sitk.ReadImage(str(tmp_path / name))
        assert read.values.dtype == array.dtype and np.array_equal(read.values, array)
        assert np.array_equal(sitk.GetArrayFromImage(itk), array)
        assert read.pixel_type == itk.GetPixelIDTypeAsString()


def test_scaled_nifti_voxels_are_computed_in_double_precision(tmp_path: Path) -> None:
    header = bytearray(nifti_header((15, 14, 13), code=4, bits=16))
    struct.pack_into("<2f", header, 112, 0.1, 1000.0)
    (tmp_path / "image.nii").write_bytes(bytes(header) + RAMP.tobytes())
    slope = float(np.float32(0.1))
    expected = (RAMP.astype(np.float64) * slope + 1000).astype(np.float32)
    assert np.array_equal(read_stored(tmp_path / "image.nii").values, expected)


def test_contrast_that_an_offset_swallows_is_not_called_constant(tmp_path: Path) -> None:
    path = write(tmp_path / "image.nrrd", RAMP.astype(np.float64) / RAMP.size + 1e9)
    with pytest.raises(InputError, match="Subtract the offset"):
        read_image(path)
    image, _ = read_image(write(path, RAMP.astype(np.float64) + 1e4))
    assert np.array_equal(image.intensities.numpy(), RAMP + np.float32(1e4))


def test_a_nifti_2_file_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "image.nii").write_bytes(struct.pack("<i4s", 540, b"n+2\0") + bytes(2000))
    with pytest.raises(InputError, match="NIfTI-2"):
        read_image(tmp_path / "image.nii")
