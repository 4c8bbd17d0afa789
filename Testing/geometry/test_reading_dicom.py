"""DICOM folders: a whole series is read in the patient's order, a broken one is refused."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.lattices import rotation

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice, read_image

LATTICE = Lattice.from_geometry(
    (12, 10, 8), (1.5, 1.5, 2.5), (-20.0, 15.0, 40.0), rotation((1, 1, 0), 15.0)
)
UID = "1.2.826.0.1.3680043.2.1125.1"
ARRAY = (np.arange(12 * 10 * 8).reshape(8, 10, 12) % 1000).astype(np.int16)


def write_series(
    folder: Path,
    uid: str = UID,
    prefix: str = "a",
    shift: Callable[[int], tuple[float, float, float]] = lambda k: (0, 0, 0),
    array: np.ndarray = ARRAY,
    **tags: Callable[[int], str],
) -> Path:
    """Write one file per slice; the names are in the opposite order of the positions.

    Parameters
    ----------
    shift
        How far slice k is from its place, mm along the axes (i, j, k).
    array
        Stored numbers, axes (k, j, i).
    tags
        Further tags for slice k, as in _0028_1053.
    """
    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    orientation = "\\".join(f"{v:.10f}" for v in LATTICE.direction.T[:2].ravel())
    for k in range(LATTICE.size[2]):
        slice_ = sitk.GetImageFromArray(array[k : k + 1])
        slice_.SetSpacing(LATTICE.spacing.tolist())
        position = LATTICE.to_world([0, 0, k]) + LATTICE.direction @ np.array(shift(k))
        values = {
            "0008|0060": "MR",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.4",
            "0008|0018": f"{uid}.9.{k + 1}",
            "0020|000d": f"{uid}.7",
            "0020|000e": uid,
            "0020|0013": str(k + 1),
            "0020|0032": "\\".join(f"{v:.10f}" for v in position),
            "0020|0037": orientation,
            "0018|0050": f"{LATTICE.spacing[2]:.6f}",
        }
        values |= {tag.replace("_", "|")[1:]: made(k) for tag, made in tags.items()}
        for tag, value in values.items():
            slice_.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{prefix}{99 - k:03d}.dcm"))
        writer.Execute(slice_)
    return folder


def test_a_series_is_read_in_the_order_of_its_positions(tmp_path: Path) -> None:
    image, origin = read_image(write_series(tmp_path / "Serie ü"))
    assert np.array_equal(image.intensities.numpy(), ARRAY)
    # DICOM's decimal strings have at most 16 characters
    assert image.lattice.is_close(LATTICE, 1e-3)
    assert origin.path.name == "Serie ü"


def test_the_hash_of_a_series_changes_with_any_of_its_files(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    before = read_image(folder)[1].sha256
    assert read_image(folder)[1].sha256 == before
    last = sorted(folder.iterdir())[-1]
    content = bytearray(last.read_bytes())
    content[-1] ^= 1
    last.write_bytes(bytes(content))
    assert read_image(folder)[1].sha256 != before


def test_a_missing_slice_is_noticed(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    (folder / "a095.dcm").unlink()
    with pytest.raises(InputError, match="not evenly spaced") as caught:
        read_image(folder)
    assert "5.00 mm apart, the others 2.50" in caught.value.problem


def test_a_slice_that_is_there_twice_is_noticed(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    (folder / "copy.dcm").write_bytes((folder / "a095.dcm").read_bytes())
    with pytest.raises(InputError, match="in one place"):
        read_image(folder)


def test_two_series_are_not_mixed_and_can_be_chosen_from(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    write_series(folder, f"{UID}.2", "b")
    with pytest.raises(InputError, match="2 DICOM series"):
        read_image(folder)
    image, _ = read_image(folder, series_uid=_uids(folder)[1])
    assert np.array_equal(image.intensities.numpy(), ARRAY)
    with pytest.raises(InputError, match="has no series"):
        read_image(folder, series_uid="9.9.9")


def _uids(folder: Path) -> list[str]:
    return sorted(sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)))


def test_a_damaged_slice_is_refused(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    path = folder / "a095.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError):
        read_image(folder)


def test_a_single_slice_is_a_flat_image_and_no_volume(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    for path in sorted(folder.iterdir())[1:]:
        path.unlink()
    with pytest.raises(InputError, match="flat image"):
        read_image(folder)


def test_a_tilted_gantry_is_refused_with_its_angle(tmp_path: Path) -> None:
    lean = np.tan(np.deg2rad(12.0)) * LATTICE.spacing[2]
    folder = write_series(tmp_path / "series", shift=lambda k: (0, lean * k, 0))
    with pytest.raises(InputError, match=r"tilted gantry \(12.0 degrees\)") as caught:
        read_image(folder)
    assert f"{7 * lean:.1f} mm" in caught.value.problem and "dcm2niix" in caught.value.remedy


def test_slices_that_drift_sideways_are_refused(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series", shift=lambda k: (0.8 if k == 5 else 0, 0, 0))
    with pytest.raises(InputError, match=r"drift sideways by up to 0.80 mm"):
        read_image(folder)


def test_a_distance_that_changes_in_the_middle_is_refused(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series", shift=lambda k: (0, 0, 0.12 * max(0, k - 3)))
    with pytest.raises(InputError, match="not evenly spaced"):
        read_image(folder)


def test_rounding_of_positions_is_no_drift(tmp_path: Path) -> None:
    folder = write_series(
        tmp_path / "series", shift=lambda k: (0.01 * (-1) ** k, 0, 0.01 * (k % 2))
    )
    assert np.array_equal(read_image(folder)[0].intensities.numpy(), ARRAY)


def test_slices_that_are_not_parallel_are_refused(tmp_path: Path) -> None:
    turned = rotation((0, 0, 1), 10.0) @ LATTICE.direction
    words = ["\\".join(f"{v:.10f}" for v in d.T[:2].ravel()) for d in (LATTICE.direction, turned)]
    folder = write_series(tmp_path / "series", _0020_0037=lambda k: words[k == 4])
    with pytest.raises(InputError, match="not parallel"):
        read_image(folder)


def test_each_slice_is_rescaled_by_its_own_numbers_and_none_is_rounded(tmp_path: Path) -> None:
    """As PET is: the first slice has slope 1, and would make whole numbers of the others."""
    slopes = [1.0, 0.25, 0.3, 1.7, 0.013, 2.5, 1.0, 0.125]
    folder = write_series(tmp_path / "series")
    for k, slope in enumerate(slopes):
        _set_slope(folder / f"a{99 - k:03d}.dcm", slope)
    read = read_image(folder)[0].intensities.numpy()
    stored = [_stored(folder / f"a{99 - k:03d}.dcm") for k in range(8)]
    assert any(len(np.unique(numbers)) > 50 for numbers in stored)
    for k in range(8):
        assert np.allclose(read[k], stored[k] * slopes[k], rtol=1e-6)


def _set_slope(file: Path, slope: float) -> None:
    """Write another Rescale Slope into a file without value representations, as ours are."""
    content, tag = file.read_bytes(), struct.pack("<HH", 0x28, 0x1053)
    place = content.index(tag)
    length = struct.unpack_from("<I", content, place + 4)[0]
    value = f"{slope:<8g}".encode()
    new = tag + struct.pack("<I", len(value)) + value
    file.write_bytes(content[:place] + new + content[place + 8 + length :])


def _stored(file: Path) -> np.ndarray:
    """Return the numbers in a slice as they are stored, the last bytes of an uncompressed file."""
    count = 12 * 10
    return np.frombuffer(file.read_bytes()[-2 * count :], "<i2").reshape(10, 12).astype(float)


def test_a_slice_that_cannot_be_read_is_missed_at_the_end_of_the_series_too(
    tmp_path: Path,
) -> None:
    folder = write_series(tmp_path / "series")
    last = folder / "a092.dcm"
    last.write_bytes(last.read_bytes()[:200])
    with pytest.raises(InputError, match=r"a092.dcm|cannot be read"):
        read_image(folder)


def test_a_slice_that_states_no_place_is_refused(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    for file in folder.iterdir():
        # another tag, which nobody asks for
        file.write_bytes(file.read_bytes().replace(b"\x20\x00\x32\x00", b"\x20\x00\x31\x00"))
    with pytest.raises(InputError, match="Image Position"):
        read_image(folder)


def test_a_file_of_many_frames_is_refused_by_name(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(ARRAY.astype(np.uint16))
    (tmp_path / "series").mkdir()
    sitk.WriteImage(image, str(tmp_path / "series" / "many.dcm"))
    with pytest.raises(InputError, match="frames in one file"):
        read_image(tmp_path / "series")
    with pytest.raises(InputError, match="single DICOM file"):
        (tmp_path / "one").write_bytes((tmp_path / "series" / "many.dcm").read_bytes())
        read_image(tmp_path / "one")


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_in_the_folder_that_is_not_utf8_is_refused_in_words(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    name = Path(os.fsdecode(os.fsencode(folder) + b"/sch\xe4del.dcm"))
    (folder / "a095.dcm").rename(name)
    with pytest.raises(InputError, match="UTF-8"):
        read_image(folder)
