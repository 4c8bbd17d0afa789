"""Images that are written piece by piece are whole, where they were, and as others read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.lattices import OBLIQUE

from TTAUncertaintyLib.geometry import Lattice, nrrd_writer, read_stored, read_vectors
from TTAUncertaintyLib.geometry.nrrd_writer import write_nrrd

SHAPE = OBLIQUE.array_shape


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
@pytest.mark.parametrize("compress", [True, False])
def test_itk_reads_what_was_written(tmp_path: Path, kind: str, compress: bool) -> None:
    values = (np.random.default_rng(0).random(SHAPE) * 100).astype(kind)
    path = tmp_path / "a.nrrd"
    write_nrrd(path, (values[:2], values[2:]), OBLIQUE, {"unit": "mm", "title": "a\nb"}, compress)
    image = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), values)
    assert image.GetMetaData("unit") == "mm"
    assert Lattice.of(image).is_close(OBLIQUE, 1e-9)
    stored = read_stored(path)
    assert stored.values.dtype == values.dtype and not stored.notes
    np.testing.assert_array_equal(stored.values, values)


def test_vectors_come_back_and_itk_reads_them(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((*SHAPE, 3)).astype(np.float32)
    write_nrrd(tmp_path / "v.nrrd", (values,), OBLIQUE, {})
    found, lattice = read_vectors(tmp_path / "v.nrrd")
    np.testing.assert_array_equal(found, values)
    assert lattice.is_close(OBLIQUE, 1e-9)
    image = sitk.ReadImage(str(tmp_path / "v.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), values)


@pytest.mark.parametrize("compress", [True, False])
def test_a_file_that_is_not_whole_on_the_disk_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: bool
) -> None:
    """Not every file system tells when it is written."""
    on_disk = nrrd_writer._on_disk

    def cut(path: Path) -> tuple[int, int]:
        path.write_bytes(path.read_bytes()[:-3])
        return on_disk(path)

    monkeypatch.setattr(nrrd_writer, "_on_disk", cut)
    with pytest.raises(OSError, match="not written whole"):
        write_nrrd(tmp_path / "a.nrrd", (np.ones(SHAPE, np.int16),), OBLIQUE, {}, compress)
