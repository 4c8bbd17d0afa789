"""DICOM folders: a whole series is read in the patient's order, a broken one is refused."""

from __future__ import annotations

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


def write_series(folder: Path, uid: str = UID, prefix: str = "a") -> Path:
    """Write one file per slice; the names are in the opposite order of the positions."""
    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    orientation = "\\".join(f"{v:.10f}" for v in LATTICE.direction.T[:2].ravel())
    for k in range(LATTICE.size[2]):
        slice_ = sitk.GetImageFromArray(ARRAY[k : k + 1])
        slice_.SetSpacing(LATTICE.spacing.tolist())
        position = LATTICE.to_world([0, 0, k])
        for tag, value in {
            "0008|0060": "MR",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.4",
            "0008|0018": f"{uid}.9.{k + 1}",
            "0020|000d": f"{uid}.7",
            "0020|000e": uid,
            "0020|0013": str(k + 1),
            "0020|0032": "\\".join(f"{v:.10f}" for v in position),
            "0020|0037": orientation,
            "0018|0050": f"{LATTICE.spacing[2]:.6f}",
        }.items():
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
    with pytest.raises(InputError, match=r"not evenly spaced|cannot be read"):
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
