"""Registering from Python: the same result as everywhere, however images are handed over."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.phantom import FIXED, write_pair
from support.warped import largest_difference

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.api.result import Result
from TTAUncertaintyLib.cli import main
from TTAUncertaintyLib.errors import InputError, ModelError, OutputError
from TTAUncertaintyLib.geometry import read_stored
from TTAUncertaintyLib.results import MapKind

QUICK = {"preset": "quick", "threads": 1}


def array_of(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def with_affine(image: sitk.Image) -> tuple[np.ndarray, np.ndarray]:
    """Return an image as nibabel would."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return array_of(image).T, np.diag([-1, -1, 1, 1]) @ affine


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_pair(tmp_path_factory.mktemp("bilder ä"))


@pytest.fixture(scope="module")
def result(pair: tuple[Path, Path]) -> Result:
    return tta.register(*pair, **QUICK, quiet=True)


def test_the_result_is_that_of_the_command_line(
    pair: tuple[Path, Path], result: Result, tmp_path: Path
) -> None:
    fixed, moving = map(str, pair)
    output = str(tmp_path / "result")
    arguments = ["--fixed", fixed, "--moving", moving, "-o", output, "--threads", "1"]
    assert main(["run", *arguments, "--preset", "quick", "--quiet"]) == 0
    other = tta.load(output)
    assert set(result.maps) == set(other.maps) >= {"total", "inverse_consistency", "jacobian"}
    for name, image in result.maps.items():
        assert np.array_equal(array_of(image), array_of(other.maps[name]), equal_nan=True), name
    one, two = result.record, other.record
    assert {path.name for path in result.folder.iterdir()} == {
        path.name for path in other.folder.iterdir()
    }
    for key in ("inputs", "model", "design", "placement", "summary", "files", "notes"):
        assert one[key] == two[key], key


def test_images_in_memory_give_the_result_of_their_files(
    pair: tuple[Path, Path], result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    fixed, moving = (sitk.ReadImage(str(path)) for path in pair)
    other = tta.register(fixed, with_affine(moving), **QUICK)
    said = capsys.readouterr().out
    assert "moving: 36 x 30 x 30 voxels (i, j, k)" in said and "10/10 passes" in said
    inputs = other.record["inputs"]
    assert {Path(inputs[role]["path"]).parent.name for role in ("fixed", "moving")} == {"in-memory"}
    for name, image in result.maps.items():
        # sform and space directions round differently: far below a voxel
        difference = np.abs(array_of(image) - array_of(other.maps[name]))
        assert np.nanmax(difference) < 1e-3, name


def test_the_transform_reproduces_the_warped_image(pair: tuple[Path, Path], result: Result) -> None:
    fixed, moving = (sitk.ReadImage(str(path), sitk.sitkFloat32) for path in pair)
    assert result.warped.GetDirection() == pytest.approx(fixed.GetDirection())
    ours = array_of(result.warped)
    assert largest_difference(ours, result.transform, fixed, moving) < 0.5  # of 1000


def test_maps_lie_on_the_fixed_grid_and_say_what_is_missing(
    pair: tuple[Path, Path], result: Result
) -> None:
    fixed = sitk.ReadImage(str(pair[0]))
    total = result.maps["total"]
    assert total.GetSize() == fixed.GetSize()
    assert total.GetOrigin() == pytest.approx(fixed.GetOrigin())
    inside = array_of(total)[np.isfinite(array_of(total))]
    assert inside.min() >= 0 and inside.size
    with pytest.raises(KeyError, match="This result has no map 'intrinsic'"):
        result.maps["intrinsic"]
    with pytest.raises(KeyError, match="There is no map 'totl'"):
        result.maps["totl"]
    assert set(result.maps) <= {kind.value for kind in MapKind}


def test_hot_spots_are_those_of_the_record(result: Result) -> None:
    spots = result.hot_spots()
    assert [spot.as_dict() for spot in spots] == result.summary["hot_spots"]
    assert spots
    stored = read_stored(result.folder / result.record["files"][result.summary["hot_spots_map"]])
    i, j, k = np.rint(stored.lattice.to_voxel(spots[0].position_lps_mm)).astype(int)
    assert stored.values[k, j, i] == pytest.approx(spots[0].peak, abs=0.003)
    nearest = FIXED.to_world(spots[0].voxel)
    away = FIXED.to_voxel(spots[0].position_lps_mm) - FIXED.to_voxel(nearest)
    assert np.abs(away).max() <= 0.5 + 1e-6  # half way between two, either is the nearest


def test_a_saved_result_is_the_same_object_when_it_is_loaded(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    made = tta.register(*pair, preset="quick", outer=4, family="translation", threads=1, quiet=True)
    before, temporary = made.record, made.folder
    assert "Not saved yet" in repr(made)
    assert made.save(tmp_path / "result") == tmp_path / "result"
    loaded = tta.load(tmp_path / "result")
    assert loaded.record == made.record == before
    assert repr(loaded) == repr(made) and str(tmp_path / "result") in repr(loaded)
    assert loaded._repr_html_() == made._repr_html_()
    assert np.array_equal(array_of(loaded.warped), array_of(made.warped))
    with pytest.raises(OutputError):
        loaded.save(pair[0].parent)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "result.json").touch()
    with pytest.raises(OutputError, match="replace it with overwrite=True"):
        loaded.save(tmp_path / "other")
    assert loaded.folder == tmp_path / "result"
    assert pair[0].is_file()
    del made
    gc.collect()
    assert not temporary.parent.exists()
    assert array_of(loaded.maps["total"]).size


def test_a_result_that_was_changed_is_not_the_one_on_disk(result: Result) -> None:
    result.record["summary"].clear()
    result.summary["maps"].clear()
    assert result.summary["maps"]["total"]["median"] > 0


def test_a_notebook_shows_pictures_numbers_and_places_and_no_script(result: Result) -> None:
    shown = result._repr_html_()
    assert "&lt;image id=" in shown and "In plain words" in shown and "mm" in shown
    assert "worst places" in shown
    assert "<script" not in shown and "&lt;script" not in shown
    assert 'sandbox=""' in shown
    assert len(shown) < len(result.report.read_text(encoding="utf-8"))


def test_a_terminal_shows_the_summary(result: Result) -> None:
    shown = repr(result)
    assert "Total uncertainty, mm" in shown and "Worst" in shown
    assert json.dumps(result.summary)


def test_what_goes_wrong_is_said_in_python_s_words_and_leaves_nothing(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(InputError, match="does not exist"):
        tta.register(pair[0], tmp_path / "none.nii", **QUICK, quiet=True)
    with pytest.raises(ModelError, match="weights") as error:
        tta.register(*pair, model="lapirn", quiet=True)
    assert "--" not in str(error.value)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").touch()
    with pytest.raises(OutputError):
        tta.register(*pair, output=tmp_path / "taken", quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["thesis.txt"]


_INTERRUPTED = """
import sys
import TTAUncertaintyLib as tta
try:
    tta.register(sys.argv[1], sys.argv[2], preset="quick", sampling="random", outer=400, threads=1)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_cancels_and_leaves_nothing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTED, *map(str, pair)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=dict(os.environ, TMPDIR=str(tmp_path)),
        start_new_session=True,
    )
    assert process.stdout is not None
    while "passes on" not in (line := process.stdout.readline()):
        assert line or process.poll() is None
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert rest.endswith("interrupted\n")
    assert time.monotonic() - began < 10
    assert list(tmp_path.iterdir()) == []
