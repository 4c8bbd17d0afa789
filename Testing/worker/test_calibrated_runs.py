"""A run with a calibration: mm of error where it holds, marks where it does not, or why none."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.calibrations import FACTOR, made_up
from support.phantom import FIXED, write_pair

from TTAUncertaintyLib.calibration import (
    CalibratedMaps,
    read_calibration,
    shipped_head,
    write_calibration,
)
from TTAUncertaintyLib.engine import Outcome, Precision
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import NO_WEIGHT, Image, Lattice, carried_slabs
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.perturbations import DesignRequest, Preset, Sampling
from TTAUncertaintyLib.perturbations.families import rotation_matrix
from TTAUncertaintyLib.results import Bundle, MapKind, find
from TTAUncertaintyLib.results.summary import summary_lines
from TTAUncertaintyLib.results.writing import step_of
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.calibrations import choose_calibration
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import perform

DESIGN = DesignRequest(Preset.QUICK, sampling=Sampling.RANDOM, outer=3)


def array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def network_of(bundle: Bundle) -> Lattice:
    """Where the maps of a compact result lie."""
    return Lattice.from_dict(bundle.record["network_lattices"]["fixed"])


def run(job: Job, **how: Any) -> Bundle:
    perform(job, Voice(io.StringIO()), **how)
    return Bundle.open(job.output)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("calibrated")
    fixed, moving = write_pair(folder / "images")
    return Job(fixed, moving, folder / "plain", design=DESIGN, use_calibration=False, threads=1)


@pytest.fixture(scope="module")
def plain(job: Job) -> Bundle:
    return run(job)


@pytest.fixture(scope="module")
def file(job: Job, plain: Bundle) -> Path:
    """A calibration that has seen no total uncertainty as high as in 40 % of this image."""
    total = array(plain.map_files[MapKind.TOTAL])
    made = made_up(plain.record, total_mm=(0.0, float(np.nanpercentile(total, 60))))
    path = job.output.with_name("made-up.json")
    write_calibration(path, made)
    return path


@pytest.fixture(scope="module")
def bundle(job: Job, file: Path) -> Bundle:
    wanted = replace(
        job, output=job.output.with_name("with"), calibration=file, use_calibration=True
    )
    return run(wanted)


def test_the_other_maps_are_those_of_a_run_without(plain: Bundle, bundle: Bundle) -> None:
    for kind, path in plain.map_files.items():
        assert path.read_bytes() == bundle.map_files[kind].read_bytes()
    assert set(bundle.map_files) - set(plain.map_files) == {
        MapKind.EXPECTED_ERROR,
        MapKind.ERROR_BOUND,
    }


def test_expected_error_follows_the_cues_and_the_bound_is_its_multiple(bundle: Bundle) -> None:
    total, gap, expected, bound = (
        array(bundle.map_files[kind]).astype(float)
        for kind in (
            MapKind.TOTAL,
            MapKind.INVERSE_CONSISTENCY,
            MapKind.EXPECTED_ERROR,
            MapKind.ERROR_BOUND,
        )
    )
    inside = (array(bundle.folder / "outside_calibration.nrrd") == 0) & np.isfinite(expected)
    by_hand = 1.5 * np.sqrt(np.maximum(total, 0.01) * np.maximum(gap, 0.02))
    # interpolating cues is not interpolating their product: voxel by voxel nearly the same
    ratio = expected[inside] / by_hand[inside]
    assert np.median(ratio) == pytest.approx(1, abs=0.05)
    assert np.percentile(np.abs(np.log(ratio)), 90) < 0.2
    step = step_of(network_of(bundle))  # both are rounded to whole multiples of it
    np.testing.assert_allclose(
        bound[inside], FACTOR * expected[inside], atol=0.501 * (1 + FACTOR) * step, rtol=1e-6
    )


def test_marks_lie_where_a_cue_is_higher_than_anything_seen(bundle: Bundle) -> None:
    image = sitk.ReadImage(str(bundle.folder / "outside_calibration.nrrd"))
    assert image.GetPixelID() == sitk.sitkUInt8
    assert Lattice.of(image).is_close(network_of(bundle))
    marks = sitk.GetArrayFromImage(image)
    assert set(np.unique(marks)) == {0, 1}
    total = array(bundle.map_files[MapKind.TOTAL])
    limit = bundle.record["calibration"]["score"]["terms"][0]["calibrated_range"][1]
    assert (marks[total > 1.001 * limit] == 1).all()  # none is missed
    assert 0.05 < (total > limit).mean() <= marks.mean() < 0.5


def test_the_record_says_whose_calibration_it_is_and_how_far_it_reaches(
    bundle: Bundle, file: Path
) -> None:
    record = bundle.record
    assert record["schema_version"] == 1 and record["calibrated"] is True
    said = dict(record["calibration"])
    share = said.pop("region_outside_fraction")
    assert said == json.loads(file.read_text())
    assert 0 < share < 1
    assert record["files"]["outside_calibration"] == "outside_calibration.nrrd"
    assert record["summary"]["hot_spots_map"] == "expected_error"
    worst = record["summary"]["hot_spots"]
    if worst:
        lattice = network_of(bundle)
        i, j, k = np.rint(lattice.to_voxel(worst[0]["position_lps_mm"])).astype(int)
        peak = array(bundle.map_files[MapKind.EXPECTED_ERROR])[k, j, i]
        assert worst[0]["peak_mm"] == pytest.approx(peak, abs=0.501 * step_of(lattice))
    said_of = "\n".join(summary_lines(bundle))
    assert "Expected error" in said_of and f"{share:.1%} of the region" in said_of
    report = bundle.report.read_text(encoding="utf-8")
    assert 'id="error"' in report and "Error bound" in report
    assert "&lt;b&gt;two" in report and "<b>two" not in report


def test_a_calibration_of_another_design_is_refused_before_the_first_pass(
    job: Job, file: Path
) -> None:
    other = replace(DESIGN, outer=4)
    out = job.output.with_name("refused")
    told = io.StringIO()
    wanted = replace(job, output=out, design=other, calibration=file, use_calibration=True)
    with pytest.raises(InputError, match="another design") as caught:
        perform(wanted, Voice(told))
    assert str(file) in caught.value.problem and "calibrate" in caught.value.remedy
    assert "progress" not in told.getvalue() and not out.exists()


def test_a_calibration_that_needs_the_way_back_is_refused_without_it(job: Job, file: Path) -> None:
    out = job.output.with_name("one-way")
    wanted = replace(job, output=out, calibration=file, use_calibration=True, reverse_pass=False)
    with pytest.raises(InputError, match="inverse-consistency"):
        perform(wanted, Voice(io.StringIO()))


def test_a_run_that_was_stopped_has_no_expected_error_and_says_why(job: Job, file: Path) -> None:
    out = job.output.with_name("stopped")
    asked = iter([False, False, False, True])
    wanted = replace(job, output=out, calibration=file, use_calibration=True)
    stopped = run(wanted, stop_requested=lambda: next(asked, True))
    assert not stopped.record["complete"] and stopped.record["calibrated"] is False
    assert "stopped" in stopped.record["calibration"]["why_not"]
    assert MapKind.TOTAL in stopped.map_files and MapKind.EXPECTED_ERROR not in stopped.map_files
    assert stopped.outside_calibration is None
    assert "stopped" in stopped.report.read_text(encoding="utf-8")


def test_a_run_that_stopped_by_itself_has_no_expected_error_either(job: Job, file: Path) -> None:
    """The map of fewer perturbations scatters more than those that were calibrated on."""
    made = read_calibration(file)
    of_six = file.with_name("of-six.json")
    write_calibration(of_six, replace(made, design={**made.design, "outer_K": 6}))
    wanted = replace(
        job,
        output=job.output.with_name("converged"),
        design=replace(DESIGN, outer=6),
        calibration=of_six,
        use_calibration=True,
        tolerance_mm=50.0,
    )
    converged = run(wanted)
    assert converged.record["passes"]["done"] == 4
    assert converged.record["complete"] and converged.record["calibrated"] is False
    assert "by itself" in converged.record["calibration"]["why_not"]
    assert MapKind.EXPECTED_ERROR not in converged.map_files


def test_without_one_the_result_says_that_it_is_not_calibrated(plain: Bundle) -> None:
    assert plain.record["calibrated"] is False
    assert plain.record["calibration"] == {"why_not": "No calibration was wanted."}
    assert plain.record["summary"]["hot_spots_map"] == "total"
    report = plain.report.read_text(encoding="utf-8")
    assert "ttauncertainty calibrate" in report and 'id="error"' not in report
    assert "not calibrated" in "\n".join(summary_lines(plain))


def before_the_first_pass(job: Job, plain: Bundle, **design: Any) -> Any:
    """What an engine knows of a run that is about to begin."""
    drawn = SimpleNamespace(as_dict=lambda: plain.record["design"] | design)
    lattice = Lattice.from_dict(plain.record["network_lattices"]["fixed"])
    pair = SimpleNamespace(fixed_lattice=lattice)
    return SimpleNamespace(model=load_model(job.model), design=drawn, pair=pair)


def test_without_a_file_the_head_is_taken_where_it_is_for_the_design(
    job: Job, plain: Bundle
) -> None:
    wanted = replace(job, use_calibration=True)
    quick = before_the_first_pass(job, plain, family="rigid", sampling="hadamard")
    assert choose_calibration(wanted, quick) == (shipped_head(), "")
    none, why = choose_calibration(replace(wanted, reverse_pass=False), quick)
    assert none is None and "gap" in why
    none, why = choose_calibration(wanted, before_the_first_pass(job, plain, family="elastic"))
    assert none is None and "not for the perturbations of this run" in why


@pytest.fixture(scope="module")
def by_head(job: Job) -> Bundle:
    out = job.output.with_name("by-head")
    quick = DesignRequest(Preset.QUICK)
    return run(replace(job, output=out, design=quick, use_calibration=True))


def test_every_hot_spot_of_the_head_says_why(by_head: Bundle) -> None:
    record = by_head.record
    assert record["calibrated"] and record["calibration"]["head"] is True
    assert record["summary"]["hot_spots_map"] == "expected_error"
    spots = record["summary"]["hot_spots"]
    named = [one for spot in spots for one in spot.get("why", [])]
    assert named and all(one["words"] and 0 < one["share"] <= 1 for one in named)
    assert named[0]["words"].capitalize() in by_head.report.read_text(encoding="utf-8")
    assert "Why     " in "\n".join(summary_lines(by_head))


def test_the_expected_error_of_the_head_has_no_plateau(by_head: Bundle) -> None:
    values = array(by_head.map_files[MapKind.EXPECTED_ERROR])
    highest = np.sort(np.unique(values[np.isfinite(values)]))[-200:]
    assert len(highest) == 200 and highest[-1] > 1.02 * highest[0]


def test_a_bundle_from_before_calibrations_opens(plain: Bundle, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for path in plain.folder.iterdir():
        (old / path.name).symlink_to(path)
    record = json.loads((old / "result.json").read_text())
    del record["calibration"], record["summary"]["hot_spots_map"]
    (old / "result.json").unlink()
    (old / "result.json").write_text(json.dumps(record))
    opened = Bundle.open(old)
    assert opened.outside_calibration is None
    assert "not calibrated" in "\n".join(summary_lines(opened))


# -- carrying to the fixed image ------------------------------------------------------------------

#: The network's lattice: oblique, anisotropic, flipped, and smaller than the fixed image.
NETWORK = Lattice.from_geometry(
    (12, 14, 13),
    (4.0, 3.5, 3.0),
    (20, -22, -18),
    rotation_matrix(np.array([0.3, 0.1, -0.2])) @ np.diag([-1.0, 1.0, 1.0]),
)


def outcome() -> Outcome:
    shape = NETWORK.array_shape
    k, j, i = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in shape], indexing="ij")
    return Outcome(
        moving_lattice=NETWORK,
        fixed_lattice=NETWORK,
        prediction=torch.from_numpy(np.stack([i, j, k])),
        jacobian=torch.ones(shape),
        inverse_consistency=None,
        variance=None,
        perturbed=3,
        asked=3,
        seconds=1.0,
        device="cpu",
        precision=Precision.F32,
        notes=(),
    )


def places(lattice: Lattice) -> np.ndarray:
    """World positions of all voxels, shape (k, j, i, 3)."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in lattice.array_shape], indexing="ij")
    return lattice.to_world(np.stack((i, j, k), axis=-1))


def on_fixed(values: np.ndarray) -> np.ndarray:
    return np.concatenate(list(carried_slabs(values, NETWORK, FIXED)))


def test_errors_and_marks_are_carried_through_the_world() -> None:
    slope = np.array([0.02, -0.03, 0.05])
    error = torch.from_numpy((places(NETWORK) @ slope + 5).astype(np.float32))
    marks = torch.zeros(NETWORK.array_shape, dtype=torch.bool)
    marked = (3, 7, 5)  # (i, j, k)
    marks[marked[2], marked[1], marked[0]] = True
    image = Image(torch.ones(FIXED.array_shape), FIXED, "ones")
    found = find(outcome(), image, image).with_expected_error(
        CalibratedMaps(error, 2 * error, marks)
    )

    index = NETWORK.to_voxel(places(FIXED))
    within = ((index >= 0) & (index <= np.array(NETWORK.size) - 1)).all(axis=-1)
    beyond = ((index < -0.5) | (index > np.array(NETWORK.size) - 0.5)).any(axis=-1)
    assert within.sum() > 500 and beyond.sum() > 500
    expected = on_fixed(found.maps[MapKind.EXPECTED_ERROR])
    bound = on_fixed(found.maps[MapKind.ERROR_BOUND])
    np.testing.assert_allclose(expected[within], (places(FIXED) @ slope + 5)[within], atol=1e-3)
    np.testing.assert_allclose(bound[within], 2 * expected[within], rtol=1e-5)
    assert np.isnan(expected[beyond]).all()  # no estimate there, and so nothing to mark
    assert found.outside is not None
    outside = on_fixed(found.outside.astype(np.float32)) > NO_WEIGHT
    assert not outside[beyond].any()
    # a voxel is marked where a marked one has a part in what it shows
    weight = np.prod(np.clip(1 - np.abs(index - marked), 0, 1), axis=-1)
    assert outside[weight > 0.01].all() and (weight > 0.01).sum() > 3
    assert not outside[weight == 0].any()
    share = outside[found.region].mean()
    assert found.numbers.beyond_calibration == pytest.approx(share)


def test_on_the_same_voxels_marks_stay_where_they_are() -> None:
    marks = torch.zeros(NETWORK.array_shape, dtype=torch.bool)
    marks[4:6, 2:5, 7] = True
    ones = torch.ones(NETWORK.array_shape)
    image = Image(ones, NETWORK, "ones")
    found = find(outcome(), image, image).with_expected_error(CalibratedMaps(ones, ones, marks))
    assert found.outside is not None
    np.testing.assert_array_equal(found.outside, marks.numpy())
