"""A bundle is complete or absent, and what it holds is what was found."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.found import OF_A_RUN
from support.phantom import FIXED, write_pair
from support.warped import largest_difference

from TTAUncertaintyLib.api import load
from TTAUncertaintyLib.errors import InputError, OutputError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.results import (
    RESULT,
    Bundle,
    Keep,
    MapKind,
    read_transform,
    write_report,
    writing,
)
from TTAUncertaintyLib.results.reading_back import findings_of
from TTAUncertaintyLib.results.summary import summary_lines
from TTAUncertaintyLib.results.writing import as_stored, rounded, step_of
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


@pytest.fixture(scope="module")
def whole(job: Job) -> Bundle:
    """The same run, with everything kept."""
    return kept(job, Keep.ALL)


def kept(job: Job, keep: Keep) -> Bundle:
    output = job.output.with_name(keep.value)
    assert perform(replace(job, keep=keep, output=output), Voice(io.StringIO()))
    return Bundle.open(output)


def array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.mark.parametrize("keep", ["bundle", "whole"])
def test_the_written_transform_reproduces_the_warped_image(
    job: Job, keep: str, request: pytest.FixtureRequest
) -> None:
    found = request.getfixturevalue(keep)
    fixed, moving = sitk.ReadImage(str(job.fixed)), sitk.ReadImage(str(job.moving))
    moving = sitk.Cast(moving, sitk.sitkFloat32)
    ours = array(found.warped)
    span = float(np.ptp(sitk.GetArrayViewFromImage(moving)))
    assert largest_difference(ours, read_transform(found), fixed, moving) < 0.005 * span
    assert np.ptp(ours) > 0.5 * span  # the images did meet


def lies_on(path: Path, lattice: Lattice) -> bool:
    return Lattice.of(sitk.ReadImage(str(path))).is_close(lattice)


def test_every_map_names_its_unit_and_lies_where_its_result_says(
    bundle: Bundle, whole: Bundle
) -> None:
    network = Lattice.from_dict(bundle.record["network_lattices"]["fixed"])
    assert not network.is_close(FIXED)
    for found, lattice in ((bundle, network), (whole, FIXED)):
        for kind, path in found.map_files.items():
            assert lies_on(path, lattice)
            assert sitk.ReadImage(str(path)).GetMetaData("unit") == kind.facts.unit
        assert set(found.map_files) == set(OF_A_RUN)  # the head comes with the software
        assert lies_on(found.warped, FIXED)


def test_a_compact_result_has_the_same_values_as_one_that_keeps_all(
    bundle: Bundle, whole: Bundle
) -> None:
    """To rounding; and the same numbers, places and verdict on what is outside a calibration."""
    step = step_of(Lattice.from_dict(bundle.record["network_lattices"]["fixed"]))
    small, large = load(bundle.folder), load(whole.folder)
    for name in large.maps:
        ours, theirs = (sitk.GetArrayFromImage(each.maps[name]) for each in (small, large))
        assert (np.isnan(ours) == np.isnan(theirs)).all()
        np.testing.assert_allclose(ours, theirs, atol=1.01 * step)
    marks = [sitk.GetArrayFromImage(each.outside_calibration) for each in (small, large)]
    np.testing.assert_array_equal(*marks)
    ours, theirs = (sitk.GetArrayFromImage(each.warped).astype(float) for each in (small, large))
    apart = np.abs(ours - theirs) > 0.005 * np.ptp(theirs)
    assert apart.mean() < 2e-3  # rounding decides what lies on the very edge of the moving image
    assert small.summary == large.summary
    corners = np.concatenate((FIXED.corners(), FIXED.to_world([[5.5, 7.25, 9], [900, 0, 0]])))
    for point in corners.tolist():
        ends = [np.array(each.transform.TransformPoint(point)) for each in (small, large)]
        assert np.abs(ends[0] - ends[1]).max() < step


def test_variances_are_left_in_a_compact_result(bundle: Bundle, whole: Bundle) -> None:
    """The maps on the network's lattice are their roots; jitter, which may be negative, is left."""
    step = step_of(Lattice.from_dict(bundle.record["network_lattices"]["fixed"]))
    total, intrinsic = (
        array(bundle.map_files[kind]) for kind in (MapKind.TOTAL, MapKind.INTRINSIC)
    )
    variances = np.moveaxis(array(whole.folder / "variances.nrrd"), -1, 0)
    found = total**2, intrinsic**2, total**2 - intrinsic**2
    for ours, theirs in zip(found, variances, strict=True):
        assert np.abs(ours - theirs).max() < 4 * step * max(1.0, total.max())


def test_a_summary_has_numbers_and_a_report_and_says_that_it_has_no_more(
    job: Job, bundle: Bundle
) -> None:
    summary = kept(job, Keep.SUMMARY)
    assert {path.name for path in summary.folder.iterdir()} == {"result.json", "report.html"}
    assert summary.record["summary"] == bundle.record["summary"]
    assert summary.map_files == {}
    with pytest.raises(InputError, match=r"summary of a result.*--keep compact"):
        _ = summary.warped
    with pytest.raises(InputError, match="summary of a result"):
        read_transform(summary)


def test_a_warped_image_keeps_the_voxel_type_of_the_moving_one(job: Job, tmp_path: Path) -> None:
    whole_numbers = tmp_path / "moving.nrrd"
    moving = sitk.ReadImage(str(job.moving))
    sitk.WriteImage(sitk.Cast(sitk.RescaleIntensity(moving, 0, 900), sitk.sitkInt16), whole_numbers)
    other = replace(
        job,
        moving=whole_numbers,
        output=tmp_path / "result",
        design=DesignRequest(Preset.QUICK),
    )
    assert perform(other, Voice(io.StringIO()))
    found = Bundle.open(other.output)
    assert array(found.warped).dtype == np.int16
    ours = sitk.Resample(
        sitk.ReadImage(str(whole_numbers), sitk.sitkFloat32),
        sitk.ReadImage(str(job.fixed)),
        read_transform(found),
    )
    inside = sitk.GetArrayFromImage(ours)[5:-5, 5:-5, 5:-5]
    assert np.abs(array(found.warped)[5:-5, 5:-5, 5:-5] - inside).max() < 4  # of 900


def test_a_report_that_is_missing_is_made_from_the_result_and_its_images(
    job: Job, bundle: Bundle, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(bundle.folder, folder)
    (folder / "report.html").unlink()
    again = Bundle.open(folder)
    assert "no report yet" in "\n".join(summary_lines(again))
    findings = findings_of(again)
    assert write_report(folder, findings, again.record)
    made, before = ((f / "report.html").read_text("utf-8") for f in (folder, bundle.folder))
    words = [re.sub(r"<[^>]*>", "", page.split("<body")[1]) for page in (made, before)]
    assert words[0][-5000:] == words[1][-5000:]  # how it was made, to the letter
    moved = tmp_path / f"elsewhere{''.join(job.fixed.suffixes)}"
    shutil.copy(job.fixed, moved)
    with pytest.raises(InputError, match="is not there"):
        findings_of(again, fixed=tmp_path / "nothing.nrrd")
    assert findings_of(again, fixed=moved).region.sum() == findings.region.sum()


def test_a_report_is_not_written_into_a_result_that_came_while_it_was_made(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, aside = tmp_path / "result", tmp_path / "aside"
    shutil.copytree(bundle.folder, folder)
    (folder / "report.html").unlink()

    def made_meanwhile(*_: object) -> str:
        shutil.copytree(folder, aside)
        record = bundle.record | {"created": "later"}
        (folder / "result.json").write_text(json.dumps(record))
        return "a report"

    monkeypatch.setattr(writing, "make_report", made_meanwhile)
    assert not write_report(folder, findings_of(bundle), bundle.record)
    assert {path.name for path in folder.iterdir()} == {path.name for path in aside.iterdir()}


def test_a_report_is_not_written_into_another_result(job: Job, bundle: Bundle) -> None:
    other = bundle.record | {"created": "2001-01-01T00:00:00+00:00"}
    (bundle.folder / "report.html").rename(bundle.folder / "kept")
    try:
        assert not write_report(bundle.folder, findings_of(bundle), other)
        assert not (bundle.folder / "report.html").exists()
    finally:
        (bundle.folder / "kept").rename(bundle.folder / "report.html")


def test_the_two_terms_add_up_to_the_total_in_variance(whole: Bundle) -> None:
    variances = array(whole.folder / "variances.nrrd")
    total, intrinsic, jitter = np.moveaxis(variances, -1, 0)
    np.testing.assert_allclose(total, intrinsic + jitter, rtol=1e-5, atol=1e-6)
    root = whole.record["summary"]["root_mean_variance_mm"]
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


def test_maps_on_disk_are_those_found_to_a_thousandth_of_the_networks_voxel() -> None:
    """And not finer: the rest is noise, and does not compress."""
    for spacing in (2.0, 0.05):
        lattice = Lattice.from_geometry((2, 2, 2), (spacing, 3.0, 4.0), (0, 0, 0))
        step = step_of(lattice)
        assert step <= spacing / 512
        values = np.array([0.0, step / 3, 0.123456789, 3.999999, 250.1, -0.7], np.float32)
        np.testing.assert_allclose(rounded(values, step), values, atol=spacing / 1000)
        assert np.isnan(rounded(np.array([np.nan], np.float32), step)).all()
        assert len(np.unique(rounded(np.linspace(0, step * 10, 1000), step))) == 11


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
def test_a_warped_image_holds_the_ends_of_its_type(kind: type) -> None:
    """Whole numbers beyond what float32 tells apart would turn round where their type ends."""
    ends = np.iinfo(kind)
    sign = "unsigned" if ends.min == 0 else "signed"
    values = np.array([ends.min, 0, ends.max], np.float32)
    found = as_stored(values, f"{ends.bits}-bit {sign} integer")
    np.testing.assert_array_equal(found.astype(float), values.astype(float))
    assert found.dtype == (kind if ends.bits < 32 else np.float32)
