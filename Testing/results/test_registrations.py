"""Kept registrations are the passes that made the maps, in place, in millimetres, and in words."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.images import waves
from support.lattices import FLIPPED, OBLIQUE
from support.phantom import write_pair
from support.predictors import Fixed, pair_on, smooth_map

from TTAUncertaintyLib.engine import Engine
from TTAUncertaintyLib.errors import InputError, OutputError
from TTAUncertaintyLib.geometry import ImageFile, Lattice, read_stored
from TTAUncertaintyLib.perturbations import Amplitudes, Design, DesignRequest, Family, Preset
from TTAUncertaintyLib.perturbations.labels import describe
from TTAUncertaintyLib.results import (
    RESULT,
    Bundle,
    KeptRegistrations,
    MapKind,
    Recorder,
    partial_folder,
    read_transform,
)
from TTAUncertaintyLib.worker import Job, Phase, Run
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import perform


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("kept")
    fixed, moving = write_pair(folder / "images")
    design = DesignRequest(Preset.STANDARD)
    done = Job(fixed, moving, folder / "result", design=design, keep_registrations=True)
    assert perform(done, Voice(io.StringIO()))
    return done


@pytest.fixture(scope="module")
def bundle(job: Job) -> Bundle:
    return Bundle.open(job.output)


@pytest.fixture(scope="module")
def kept(bundle: Bundle) -> KeptRegistrations:
    return KeptRegistrations.open(bundle)


def inner_voxels(lattice: Lattice, count: int = 40) -> np.ndarray:
    """Return voxels of the network's lattice, (i, j, k), away from its border."""
    return np.random.default_rng(1).integers(4, np.array(lattice.size) - 4, (count, 3))


def test_the_covariances_at_a_point_are_those_of_the_maps(
    bundle: Bundle, kept: KeptRegistrations
) -> None:
    maps = {
        kind: read_stored(bundle.map_files[kind]).values
        for kind in (MapKind.TOTAL, MapKind.INTRINSIC, MapKind.JITTER)
    }
    for i, j, k in inner_voxels(kept.lattice):
        found = kept.covariances_at(kept.lattice.to_world([i, j, k]))
        assert found.intrinsic is not None
        assert found.jitter is not None
        pairs = zip((found.total, found.intrinsic, found.jitter), maps.values(), strict=True)
        for covariance, values in pairs:
            np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
            spread = np.sqrt(max(np.trace(covariance), 0))
            # offsets of some 2 mm are kept to 0.001 mm, maps to 0.004
            assert spread == pytest.approx(values[k, j, i], abs=3e-3)
        np.testing.assert_allclose(found.total, found.intrinsic + found.jitter, atol=1e-12)


def test_at_a_voxel_of_the_network_the_covariance_is_that_of_the_offsets(
    kept: KeptRegistrations,
) -> None:
    offsets = kept.offsets_at(kept.lattice.to_world([9, 12, 7]))
    assert offsets.shape == (16, 3)
    assert kept.groups == tuple(n // 2 for n in range(16))
    assert kept.repeats == (0, 1) * 8
    found = kept.covariances_at(kept.lattice.to_world([9, 12, 7]))
    means = offsets.reshape(8, 2, 3).mean(axis=1)
    within = np.mean([np.cov(pair.T) for pair in offsets.reshape(8, 2, 3)], axis=0)
    np.testing.assert_allclose(found.intrinsic, within, atol=1e-12)
    np.testing.assert_allclose(found.jitter, np.cov(means.T) - within / 2, atol=1e-12)
    assert np.linalg.eigvalsh(found.total).max() > 1e-4


def test_each_warped_image_is_the_moving_image_through_that_pass(
    job: Job, bundle: Bundle, kept: KeptRegistrations
) -> None:
    moving = sitk.ReadImage(str(job.moving))
    plain = read_transform(bundle)
    assert kept.count == len(kept.warped_files) == 16
    voxels = np.random.default_rng(2).integers(6, np.array(kept.lattice.size) - 6, (30, 3))
    span = float(np.ptp(sitk.GetArrayViewFromImage(moving)))
    for n in (0, 5, 15):
        warped = sitk.ReadImage(str(kept.warped_files[n]))
        assert Lattice.of(warped).is_close(kept.lattice)
        assert warped.GetPixelID() == moving.GetPixelID() == sitk.sitkInt16
        differences = []
        for i, j, k in voxels.tolist():
            point = kept.lattice.to_world([i, j, k])
            there = np.array(plain.TransformPoint(point.tolist())) + kept.offsets_at(point)[n]
            at = np.array(moving.TransformPhysicalPointToContinuousIndex(there.tolist()))
            if (at > 0).all() and (at < np.array(moving.GetSize()) - 1).all():
                expected = moving.EvaluateAtPhysicalPoint(there.tolist(), sitk.sitkLinear)
                differences.append(abs(warped[i, j, k] - expected))
        assert len(differences) > 15
        assert max(differences) < 0.005 * span


def test_offsets_are_where_tau_takes_the_answer_in_the_moving_world(tmp_path: Path) -> None:
    """A network that ignores the shift: what is left is the shift itself, frames included."""
    elsewhere = OBLIQUE.centered(FLIPPED.size, OBLIQUE.spacing, OBLIQUE.center)
    design = Design(Family.TRANSLATION, Amplitudes((1.0, 2.0, 3.0)), outer=8, replicates=1, seed=3)
    engine = Engine(Fixed(smooth_map(FLIPPED, elsewhere)), pair_on(FLIPPED, elsewhere), design)
    recorder, kept = recorded(engine, elsewhere, tmp_path)
    engine.observer = recorder.add
    engine.run()
    assert recorder.finish()
    offsets = kept().offsets_at(FLIPPED.to_world([3.3, 8.6, 5.1]))
    shifts = engine.draws.parameters * np.array([1.0, 2.0, 3.0]) @ elsewhere.axes.T
    np.testing.assert_allclose(offsets, shifts, atol=2e-3)
    covariances = kept().covariances_at(FLIPPED.to_world([3.3, 8.6, 5.1]))
    assert covariances.intrinsic is None
    assert covariances.jitter is None
    np.testing.assert_allclose(covariances.total, np.cov(shifts.T), atol=5e-3)


def test_offsets_between_voxels_are_trilinear_and_end_with_the_lattice(
    kept: KeptRegistrations,
) -> None:
    lattice = kept.lattice
    a, b = lattice.to_world([5, 6, 7]), lattice.to_world([6, 6, 7])
    middle = kept.offsets_at(0.25 * a + 0.75 * b)
    np.testing.assert_allclose(middle, 0.25 * kept.offsets_at(a) + 0.75 * kept.offsets_at(b))
    last = np.array(lattice.size) - 1
    np.testing.assert_array_equal(
        kept.offsets_at(lattice.to_world(last + 0.4)), kept.offsets_at(lattice.to_world(last))
    )
    assert np.isnan(kept.offsets_at(lattice.to_world(last + 0.6))).all()
    assert np.isnan(kept.offsets_at(lattice.to_world([-1, 5, 5]))).all()
    outside = kept.covariances_at(lattice.to_world([5, -1, 5]))
    assert np.isnan(outside.total).all()


def test_a_look_at_a_point_is_fast(kept: KeptRegistrations) -> None:
    began = time.perf_counter()
    for i, j, k in inner_voxels(kept.lattice, 20):
        kept.offsets_at(kept.lattice.to_world([i, j, k]))
        kept.covariances_at(kept.lattice.to_world([i, j, k]))
    assert (time.perf_counter() - began) / 40 < 0.02


def test_labels_say_which_pass_and_what_it_did(kept: KeptRegistrations) -> None:
    assert kept.labels[5].startswith("perturbation 3, repeat 2: shift ")
    assert kept.labels[4].split(":")[1] == kept.labels[5].split(":")[1]
    assert " mm, turn " in kept.labels[0]
    assert kept.labels[0].endswith(" deg")
    amplitudes = Amplitudes((1.0, 2.0, 3.0), 4.0, 0.02, 0.03, 5.0)
    one = np.array([1.0, -1.0, 1.0])
    assert describe(Family.TRANSLATION, amplitudes, one) == "shift +1.0 -2.0 +3.0 mm"
    assert describe(Family.RIGID, amplitudes, np.tile(one, 2)).endswith("turn +4.0 -4.0 +4.0 deg")
    assert describe(Family.SCALE, amplitudes, one[:1]) == "scale +2.0 %"
    assert describe(Family.SHEAR, amplitudes, one) == "shear +3.0 -3.0 +3.0 %"
    elastic = describe(Family.ELASTIC, amplitudes, np.array([0.5, -0.2, 0.1] * 9))
    assert elastic == "bend by control points moved up to 2.5 mm"


def test_the_maps_are_the_same_whether_registrations_are_kept_or_not(
    job: Job, bundle: Bundle, tmp_path: Path
) -> None:
    plain = replace(job, output=tmp_path / "plain", keep_registrations=False)
    assert perform(plain, Voice(io.StringIO()))
    without = Bundle.open(plain.output)
    assert "registrations" not in without.record["files"]
    assert not (plain.output / "registrations").exists()
    assert RESULT.others(bundle.folder) == []  # so that it can be replaced
    for kind, file in bundle.map_files.items():
        assert file.read_bytes() == without.map_files[kind].read_bytes()
    with pytest.raises(InputError, match="ask for them to be kept"):
        KeptRegistrations.open(without)


def test_a_run_stopped_early_keeps_the_passes_it_made(job: Job, tmp_path: Path) -> None:
    asked = iter([False] * 6 + [True])
    short = replace(job, output=tmp_path / "short")
    assert not perform(short, Voice(io.StringIO()), lambda: next(asked))
    bundle = Bundle.open(short.output)
    kept = KeptRegistrations.open(bundle)
    assert kept.count == bundle.record["passes"]["done"] == 5
    assert np.load(short.output / "registrations" / "offsets.npy").shape[0] == 5
    i, j, k = inner_voxels(kept.lattice, 1)[0]
    total = read_stored(bundle.map_files[MapKind.TOTAL]).values[k, j, i]
    found = kept.covariances_at(kept.lattice.to_world([i, j, k])).total  # of two whole ones
    assert np.sqrt(max(np.trace(found), 0)) == pytest.approx(total, abs=3e-3)


def test_a_run_stopped_before_the_first_pass_keeps_none(job: Job, tmp_path: Path) -> None:
    short = replace(job, output=tmp_path / "short", time_limit_s=0.0)
    perform(short, Voice(io.StringIO()))
    bundle = Bundle.open(short.output)
    assert "registrations" not in bundle.record["files"]
    assert not (short.output / "registrations").exists()


def test_a_cancelled_or_killed_run_leaves_nothing_of_them(job: Job, tmp_path: Path) -> None:
    output = tmp_path / "results" / "one"
    output.parent.mkdir()
    long = replace(job, output=output, design=DesignRequest(Preset.PAPER), threads=1)
    for end in ("cancel", "kill"):
        with Run(long) as run:
            assert run.pid is not None
            growing = partial_folder(output, run.pid) / "registrations"
            while run.poll().done < 4:
                assert not run.state.ended
                time.sleep(0.02)
            assert (growing / "warped_000.nrrd").is_file()
            if end == "cancel":
                run.cancel()
            elif run._process is not None:
                run._process.kill()
            assert run.wait(10).phase is (Phase.CANCELLED if end == "cancel" else Phase.FAILED)
        assert list(output.parent.iterdir()) == []


def test_a_disk_without_room_for_them_is_noticed_before_the_first_pass(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 17 << 20))
    full = replace(job, output=tmp_path / "full")
    with pytest.raises(OutputError, match="to keep 16 registrations"):
        perform(full, Voice(io.StringIO()))
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_and_kept_registrations_are_refused_together(job: Job, tmp_path: Path) -> None:
    both = replace(job, output=tmp_path / "both", checkpoint=tmp_path / "state")
    with pytest.raises(InputError, match="cannot be resumed"):
        perform(both, Voice(io.StringIO()))
    assert list(tmp_path.iterdir()) == []


def cut(folder: Path) -> None:
    file = folder / "offsets.npy"
    file.write_bytes(file.read_bytes()[:-1000])


def without_one(folder: Path) -> None:
    (folder / "warped_003.nrrd").unlink()


def scribbled(folder: Path) -> None:
    (folder / "registrations.json").write_text("{")


def newer(folder: Path) -> None:
    file = folder / "registrations.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 99}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(cut, "damaged"), (without_one, "warped_003"), (scribbled, "damaged"), (newer, "newer")],
)
def test_damaged_registrations_are_refused_in_words(
    bundle: Bundle, tmp_path: Path, spoil: object, words: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle.folder, copy)
    assert callable(spoil)
    spoil(copy / "registrations")
    with pytest.raises(InputError, match=words):
        KeptRegistrations.open(Bundle.open(copy))


def recorded(engine: Engine, moving: Lattice, folder: Path):  # type: ignore[no-untyped-def]
    """Return a recorder into a folder, and a function that opens what it kept."""
    image = waves(moving.resampled(2.0), 1)
    file = ImageFile(Path("moving.nrrd"), "", "32-bit float", image.lattice)
    recorder = Recorder(folder / "registrations", engine, image, file)
    record = {"files": {"registrations": "registrations/registrations.json"}}
    return recorder, lambda: KeptRegistrations.open(Bundle(folder, record))


def test_recording_holds_no_pass_in_memory(tmp_path: Path) -> None:
    elsewhere = OBLIQUE.centered(FLIPPED.size, OBLIQUE.spacing, OBLIQUE.center)
    design = Design(Family.TRANSLATION, Amplitudes(1.0), outer=8)
    engine = Engine(Fixed(smooth_map(FLIPPED, elsewhere)), pair_on(FLIPPED, elsewhere), design)
    recorder, _ = recorded(engine, elsewhere, tmp_path)
    for _ in engine:
        break
    held = []
    for n in range(8):
        recorder.add(n, torch.zeros(3, *FLIPPED.array_shape))
        held.append(sum(isinstance(v, torch.Tensor) for v in vars(recorder).values()))
        size = (tmp_path / "registrations" / f"warped_{n:03d}.nrrd").stat().st_size
        assert size > 4 * np.prod(FLIPPED.size)
    recorder.close()
    assert set(held) == {0}


def test_passes_that_are_made_again_replace_those_that_were_kept(tmp_path: Path) -> None:
    """A run that begins again in another precision: nothing of the first one stays."""
    design = Design(Family.TRANSLATION, Amplitudes(1.0), outer=4, replicates=1)
    phi = smooth_map(FLIPPED, FLIPPED)
    engine = Engine(Fixed(phi), pair_on(FLIPPED, FLIPPED), design)
    recorder, kept = recorded(engine, FLIPPED, tmp_path)
    for _ in engine:
        break
    for n in range(3):
        recorder.add(n, torch.full((3, *FLIPPED.array_shape), 5.0))
    for n in range(2):
        recorder.add(n, torch.full((3, *FLIPPED.array_shape), 1.0 + n))
    assert recorder.finish()
    found = kept()
    assert found.count == 2
    offsets = found.offsets_at(FLIPPED.to_world([3.0, 4.0, 5.0]))
    np.testing.assert_allclose(offsets, [[1.0] * 3, [2.0] * 3])
