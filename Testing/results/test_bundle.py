"""A bundle is complete or absent, and what it holds is what was found."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.phantom import FIXED, write_pair
from support.warped import largest_difference

from TTAUncertaintyLib.errors import InputError, OutputError
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.results import RESULT, Bundle, MapKind
from TTAUncertaintyLib.results.writing import _rounded
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import perform


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("bundle")
    fixed, moving = write_pair(folder / "images")
    done = Job(fixed, moving, folder / "result", design=DesignRequest(Preset.STANDARD))
    assert perform(done, Voice(io.StringIO()))
    return done


@pytest.fixture(scope="module")
def bundle(job: Job) -> Bundle:
    return Bundle.open(job.output)


def array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_the_written_transform_reproduces_the_warped_image(job: Job, bundle: Bundle) -> None:
    fixed, moving = sitk.ReadImage(str(job.fixed)), sitk.ReadImage(str(job.moving))
    moving = sitk.Cast(moving, sitk.sitkFloat32)
    transform = sitk.ReadTransform(str(bundle.transform))
    ours = array(bundle.warped)
    span = float(np.ptp(sitk.GetArrayViewFromImage(moving)))
    assert largest_difference(ours, transform, fixed, moving) < 0.005 * span
    assert np.ptp(ours) > 0.5 * span  # the images did meet


def test_every_map_lies_on_the_fixed_image_and_names_its_unit(bundle: Bundle) -> None:
    for kind, path in bundle.map_files.items():
        image = sitk.ReadImage(str(path))
        assert image.GetSize() == FIXED.size
        np.testing.assert_allclose(image.GetOrigin(), FIXED.origin, atol=1e-4)
        np.testing.assert_allclose(
            np.reshape(image.GetDirection(), (3, 3)), FIXED.direction, atol=1e-6
        )
        assert image.GetMetaData("unit") == kind.facts.unit
    assert set(bundle.map_files) == set(MapKind)  # a calibration of it comes with the software


def test_the_two_terms_add_up_to_the_total_in_variance(bundle: Bundle) -> None:
    variances = array(bundle.folder / "variances.nrrd")
    total, intrinsic, jitter = np.moveaxis(variances, -1, 0)
    np.testing.assert_allclose(total, intrinsic + jitter, rtol=1e-5, atol=1e-6)
    root = bundle.record["summary"]["root_mean_variance_mm"]
    assert root["total"] ** 2 == pytest.approx(
        root["intrinsic"] ** 2 + root["jitter"] ** 2, rel=1e-3
    )


def test_everything_in_a_bundle_is_known_to_be_a_results(bundle: Bundle) -> None:
    """What is not could never be replaced."""
    assert RESULT.others(bundle.folder) == []
    assert {RESULT.owns(name) for name in bundle.record["files"].values()} == {True}


def test_the_record_states_what_was_done(job: Job, bundle: Bundle) -> None:
    record = bundle.record
    assert record["design"]["outer_K"] == 8
    assert record["design"]["replicates_R"] == 2
    assert record["design"]["noise"] == "discretisation"
    assert len(record["model"]["weights"]["sha256"]) == 64
    assert len(record["inputs"]["moving"]["sha256"]) == 64
    assert record["calibrated"] is True  # with the calibration that ships for it
    assert record["seconds"]["network"] > 0
    assert record["execution"]["precision"] == record["execution"]["precision_asked"] == "f32"


def test_the_same_job_gives_the_same_bytes_of_every_map(job: Job, bundle: Bundle) -> None:
    again = replace(job, output=job.output.with_name("again"))
    assert perform(again, Voice(io.StringIO()))
    for path in (*bundle.map_files.values(), bundle.warped):
        assert path.read_bytes() == (again.output / path.name).read_bytes(), path.name


def test_an_older_result_is_replaced_only_when_asked(job: Job) -> None:
    other = replace(job, output=job.output.with_name("older"), design=DesignRequest(Preset.QUICK))
    assert perform(other, Voice(io.StringIO()))
    with pytest.raises(OutputError, match="--overwrite"):
        perform(other, Voice(io.StringIO()))
    assert perform(replace(other, overwrite=True), Voice(io.StringIO()))


def test_a_full_disk_is_noticed_before_writing(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(job.output)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    full = replace(job, output=job.output.with_name("full"), design=DesignRequest(Preset.QUICK))
    with pytest.raises(OutputError, match="too full"):
        perform(full, Voice(io.StringIO()))
    assert not list(job.output.parent.glob("full*"))


@pytest.mark.parametrize("limit", [10_000, 200_000])
def test_a_disk_that_fills_while_writing_leaves_nothing(job: Job, limit: int) -> None:
    """A limit on the size of files makes every larger write fail, as a full disk does."""
    target = replace(
        job, output=job.output.with_name("filling"), design=DesignRequest(Preset.QUICK)
    )
    code = textwrap.dedent(f"""
        import io, resource, signal, sys
        from TTAUncertaintyLib.errors import OutputError
        from TTAUncertaintyLib.worker import Job
        from TTAUncertaintyLib.worker.messages import Voice
        from TTAUncertaintyLib.worker.perform import perform
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        try:
            perform(Job.from_json(sys.stdin.read()), Voice(io.StringIO()))
        except OutputError as error:
            print("refused:", error)
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], input=target.to_json(), text=True, capture_output=True
    )
    assert "nothing was left behind" in done.stdout, done.stderr
    assert not list(job.output.parent.glob("filling*"))


@pytest.mark.parametrize("damage", ["delete a map", "cut the record", "newer", "not a bundle"])
def test_a_damaged_bundle_is_refused(bundle: Bundle, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(bundle.folder, folder)
    if damage == "delete a map":
        (folder / "uncertainty_total.nrrd").unlink()
    elif damage == "cut the record":
        (folder / "result.json").write_text('{"schema_version": 1')
    elif damage == "newer":
        (folder / "result.json").write_text(json.dumps(bundle.record | {"schema_version": 99}))
    else:
        (folder / "result.json").unlink()
    with pytest.raises(InputError):
        Bundle.open(folder)


def test_maps_on_disk_are_those_found_to_a_hundredth_of_a_percent() -> None:
    values = np.array([0.0, 1e-6, 0.123456789, 3.999999, 250.1, -0.7], np.float32)
    kept = _rounded(values)
    np.testing.assert_allclose(kept, values, rtol=2**-13)
    assert np.isnan(_rounded(np.array([np.nan], np.float32))).all()
    assert len(np.unique(_rounded(np.linspace(1, 2, 100_000, dtype=np.float32)))) <= 4097
