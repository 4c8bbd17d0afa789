"""Previews show what the engine knows so far, whole, in millimetres, and at next to no cost."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.images import waves
from support.lattices import FLIPPED, OBLIQUE
from support.predictors import network_model, pair_on

from TTAUncertaintyLib.engine import Engine, Execution
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family
from TTAUncertaintyLib.worker import Message, parse, previews
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.previews import Previews, remove_previews

ELSEWHERE = OBLIQUE.centered(FLIPPED.size, OBLIQUE.spacing, OBLIQUE.center)
MOVING = waves(ELSEWHERE.resampled(1.5), 1)
DESIGN = Design(Family.RIGID, Amplitudes(2.0, 2.0), outer=8, replicates=2, seed=9)


@pytest.fixture
def unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "LARGEST_SHARE", 1e9)
    monkeypatch.setattr(previews, "LEAST_PAUSE_S", 0.0)


def engine(batch: int = 1) -> Engine:
    pair = pair_on(FLIPPED, ELSEWHERE)
    return Engine(network_model(), pair, DESIGN, Execution("cpu", batch_size=batch))


def said(stream: io.StringIO) -> list[Message]:
    return [m for line in stream.getvalue().splitlines() if (m := parse(line)) is not None]


@pytest.mark.usefixtures("unthrottled")
def test_every_map_that_is_told_of_is_there_whole_and_is_what_the_engine_has(
    tmp_path: Path,
) -> None:
    stream, run = io.StringIO(), engine()
    shown = Previews(tmp_path / "Vorschau für Ärzte", Voice(stream), time.monotonic())
    told = 0
    for _ in run:
        shown.update(run, MOVING)
        messages = said(stream)
        if len(messages) == told:
            continue
        told = len(messages)
        last = messages[-1]
        warped = sitk.ReadImage(last["warped"])
        assert Lattice.of(warped).is_close(FLIPPED)
        assert warped.GetPixelID() == sitk.sitkFloat32
        variance = run.outcome().variance
        if last["total"] is None:
            assert last["perturbed"] == 0
            continue
        assert variance is not None
        assert last["perturbed"] == run.perturbed
        total = sitk.ReadImage(last["total"])
        assert Lattice.of(total).is_close(FLIPPED)
        expected = variance.traces().total.clamp(min=0).sqrt().numpy()
        np.testing.assert_array_equal(sitk.GetArrayFromImage(total), expected)
        # the one before is still there for somebody who is slow to read
        assert len(list((tmp_path / "Vorschau für Ärzte").glob("total_*.nrrd"))) <= 2
    # nothing to see after one perturbation; from the fourth pass (two, twice each) on, every pass
    assert [m["perturbed"] for m in said(stream)] == [0, *range(4, 17)]
    assert not list((tmp_path / "Vorschau für Ärzte").glob("*partial*"))
    remove_previews(tmp_path / "Vorschau für Ärzte")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unthrottled")
def test_the_warped_preview_is_the_moving_image_through_the_plain_prediction(
    tmp_path: Path,
) -> None:
    run = engine()
    shown = Previews(tmp_path, Voice(io.StringIO()), time.monotonic())
    for _ in run:
        shown.update(run, MOVING)
        break
    theirs = sitk.Resample(
        MOVING.to_itk(),
        FLIPPED.blank_itk_image(),
        run.outcome().transform().to_itk(),
        sitk.sitkLinear,
        MOVING.background,
    )
    ours = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "warped.nrrd")))
    difference = np.abs(ours - sitk.GetArrayFromImage(theirs))
    # rounding decides over single voxels at the edge of the field of view
    assert np.quantile(difference, 0.99) < 1e-3 * np.ptp(ours)
    assert np.ptp(ours) > 10


@pytest.mark.usefixtures("unthrottled")
def test_previews_change_nothing_in_the_result(tmp_path: Path) -> None:
    plain, watched = engine(), engine()
    shown = Previews(tmp_path, Voice(io.StringIO()), time.monotonic())
    for _ in watched:
        shown.update(watched, MOVING)
    ours, theirs = watched.outcome().variance, plain.run().variance
    assert ours is not None
    assert theirs is not None
    assert ours.total.equal(theirs.total)
    assert ours.mean_offset.equal(theirs.mean_offset)


def test_previews_take_no_more_than_their_share_and_come_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(previews.time, "monotonic", lambda: clock[0])

    def costly(self: Previews, name: str, values: object, lattice: Lattice) -> Path:
        clock[0] += 0.1
        return self._folder / name

    monkeypatch.setattr(Previews, "_write", costly)
    stream, run = io.StringIO(), engine()
    shown = Previews(tmp_path, Voice(stream), began=100.0)
    for _ in run:
        clock[0] += 0.5  # a pass
        shown.update(run, MOVING)
    # the registration and the first map are shown as soon as they are there
    assert [m["perturbed"] for m in said(stream)][:2] == [0, 4]
    assert shown.spent_s <= 0.02 * (clock[0] - 100) + 0.2 + 1e-9
    before = len(said(stream))
    for _ in range(100):
        clock[0] += 30
        shown._shown = 0  # as if there were always something new
        shown.update(run, MOVING)
    assert len(said(stream)) > before + 90
    assert shown.spent_s <= 0.02 * (clock[0] - 100)
    monkeypatch.setattr(previews, "LARGEST_SHARE", 1.0)
    before = len(said(stream))
    for _ in range(100):
        clock[0] += 0.25
        shown._shown = 0
        shown.update(run, MOVING)
    assert len(said(stream)) - before <= 0.35 * 100 + 1


@pytest.mark.usefixtures("unthrottled")
def test_a_run_goes_on_without_previews_where_they_cannot_be_written(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    stream, run = io.StringIO(), engine()
    shown = Previews(in_the_way / "previews", Voice(stream), time.monotonic())
    for _ in run:
        shown.update(run, MOVING)
    assert run.outcome().complete
    assert [m["type"] for m in said(stream)] == ["note"]
    assert "no live preview" in said(stream)[0]["text"]
