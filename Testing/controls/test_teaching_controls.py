"""The registrations one after another, and the spread at a point; without Qt and trame."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from TTAUncertaintyLib.controls.spread_controls import POINT
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.results.build_up import BuildUp
from TTAUncertaintyLib.review import root_trace
from TTAUncertaintyLib.scene.arrays import array_of
from TTAUncertaintyLib.scene.cloud import CLOUD, ELLIPSOID
from TTAUncertaintyLib.scene.loading import ResultReading
from TTAUncertaintyLib.scene.slices import Layers, composites, set_layers, slice_nodes
from TTAUncertaintyLib.scene.teaching import BROWSER, BUILD_UP, PLAYED


def layers(screen: Any) -> tuple[Any, Any]:
    (node,) = composites(screen.stage, ("Red",))
    ids = (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID())
    return tuple(screen.stage.scene.GetNodeByID(one or "") for one in ids)


def place(screen: Any, result: Any, ras: tuple[float, float, float]) -> Any:
    """Click in a view, as far as a test can."""
    screen.point.place(True)
    assert screen.spread.placing
    node = result.reference(POINT)
    assert screen.stage.application.GetSelectionNode().GetActivePlaceNodeID() == node.GetID()
    node.AddControlPointWorld(ras)
    return node


def test_before_a_result_there_is_nothing_to_play(lesson) -> None:
    lesson.controls.on_result(None)
    for act in (lesson.controls.toggle, lambda: lesson.controls.go(1), lesson.controls.end):
        act()
    lesson.point.place(True)
    assert "before there is a result" in lesson.view.words.said()
    assert lesson.view.count == 0 and not lesson.spread.placing


def test_a_result_that_kept_nothing_says_how_to_keep_them(lesson, stage, folder, tmp_path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    result = ResultReading(copy).load(stage)
    shutil.rmtree(copy)
    lesson.controls.on_result(result)
    assert "not on this computer" in lesson.view.words.said()
    result.set_text("record", result.text("record").replace('"registrations"', '"others"'))
    lesson.controls.on_result(result)
    assert lesson.view.words.said().endswith("registrations. Ask for it.")
    assert lesson.controls.kept is None and lesson.view.count == 0


def test_nothing_is_read_before_a_registration_is_asked_for(taught, result) -> None:
    assert (taught.view.count, taught.view.number, taught.view.on) == (8, 0, False)
    assert taught.view.label.said().startswith("perturbation 1")
    assert result.reference(BROWSER) is None


def test_the_registration_that_is_asked_for_last_is_shown(taught, result) -> None:
    taught.controls.go(3)
    assert taught.view.label.said().startswith("Reading") and not taught.taken
    taught.controls.go(5)
    view = taught.wait()
    assert view.number == 5 and view.on and taught.taken
    assert view.label.said().startswith("perturbation 6")
    played = result.reference(PLAYED)
    assert layers(taught) == (played, None)
    before = np.array(array_of(played))
    taught.controls.go(99)
    assert taught.view.number == 7 and (array_of(played) != before).any()


def test_playing_goes_on_by_itself_until_it_is_held(taught) -> None:
    taught.controls.toggle()
    taught.wait()
    seen = [taught.view.number]
    for _ in range(8):
        taught.clock.tick()
        seen.append(taught.view.number)
    assert seen == [*range(seen[0], 8), *range(seen[0] + 1)] and taught.view.playing
    taught.controls.toggle()
    taught.clock.tick()
    assert taught.view.number == seen[-1] and not taught.view.playing
    taught.controls.toggle()
    taught.controls.end()
    taught.clock.tick()
    assert not taught.taken and not taught.view.playing and not taught.view.on


def test_what_the_person_shows_meanwhile_stays(taught, result) -> None:
    taught.controls.go(1)
    taught.wait()
    set_layers(taught.stage, Layers(result.fixed))
    taught.controls.go(2)
    assert layers(taught)[0] is result.fixed


def test_the_map_builds_up_over_the_registrations(taught, result) -> None:
    taught.controls.let_build_up(True)
    taught.controls.go(0)
    taught.wait()
    assert layers(taught)[1] is None  # one perturbation has no spread
    taught.controls.go(7)
    assert taught.view.label.said().startswith("Adding")
    assert taught.wait().label.said().startswith("perturbation 8")
    so_far = result.reference(BUILD_UP)
    assert layers(taught)[1] is so_far and np.nanmax(array_of(so_far)) > 0
    taught.controls.let_build_up(False)
    assert layers(taught)[1] is None


def test_a_long_way_is_added_up_in_the_background_and_the_last_wish_counts(
    taught, result, monkeypatch
) -> None:
    gate, asked, after = threading.Event(), [], BuildUp.after

    def slow(build_up: BuildUp, passes: int) -> Any:
        asked.append(passes)
        assert gate.wait(10)
        return after(build_up, passes)

    taught.controls.let_build_up(True)
    taught.controls.go(0)
    taught.wait()
    monkeypatch.setattr(BuildUp, "after", slow)
    for number in (7, 5, 3):  # none of them waits
        taught.controls.go(number)
        taught.clock.tick()
    assert taught.view.number == 3 and asked == [8] and result.reference(BUILD_UP) is None
    gate.set()
    taught.wait()
    assert asked == [8, 4]
    values = array_of(result.reference(BUILD_UP))
    expected = BuildUp(taught.controls.kept).after(4)
    inside = np.isfinite(values)
    assert inside.any() and (values[inside] == expected[inside]).all()


def test_a_map_that_is_being_added_up_does_not_outlive_its_result(
    taught, result, monkeypatch
) -> None:
    gate, after = threading.Event(), BuildUp.after
    monkeypatch.setattr(BuildUp, "after", lambda *asked: gate.wait(10) and after(*asked))
    taught.controls.let_build_up(True)
    taught.controls.go(7)
    while not taught.taken:
        taught.clock.tick()
    taught.controls.on_result(None)
    gate.set()
    for _ in range(5):
        time.sleep(0.02)
        taught.clock.tick()
    assert result.reference(BUILD_UP) is None and not taught.taken and not taught.troubles


def test_offsets_that_cannot_be_read_are_told(taught, monkeypatch) -> None:
    def gone(*_asked: Any) -> None:
        raise InputError("The offsets are gone.")

    monkeypatch.setattr(BuildUp, "after", gone)
    taught.controls.let_build_up(True)
    taught.controls.go(7)
    for _ in range(200):
        time.sleep(0.02)
        taught.clock.tick()
        if taught.troubles:
            break
    assert "offsets are gone" in taught.troubles[0]
    assert not taught.taken and not taught.view.on


def test_while_a_run_has_the_views_nothing_is_played(taught, result) -> None:
    taught.free = False
    taught.controls.toggle()
    taught.controls.go(3)
    assert result.reference(BROWSER) is None and not taught.view.playing


def test_another_result_ends_the_reading_of_the_first(taught) -> None:
    taught.controls.go(3)
    taught.controls.on_result(None)
    taught.clock.tick()
    assert not taught.taken and taught.view.count == 0


def test_registrations_that_cannot_be_read_are_told(lesson, stage, folder, tmp_path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    result = ResultReading(copy).load(stage)
    lesson.controls.on_result(result)
    lesson.controls.kept.warped_files[2].write_bytes(b"x")
    lesson.controls.toggle()
    lesson.wait()
    assert "cannot be read" in lesson.troubles[0]
    assert not lesson.taken and not lesson.view.playing


def test_the_spread_is_that_of_the_point_and_follows_it(taught, result) -> None:
    assert "Place a point" in taught.spread.words.said() and taught.spread.possible
    node = place(taught, result, (2.0, 5.0, 3.0))
    assert not taught.spread.placing

    def spread(ras: tuple[float, float, float]) -> str:
        lps = np.array(ras) * [-1, -1, 1]
        return f"{root_trace(taught.controls.kept.covariances_at(lps).total):.2f} mm"

    for ras in ((2.0, 5.0, 3.0), (-8.0, 10.0, 6.0)):
        node.SetNthControlPointPositionWorld(0, ras)
        assert spread(ras) in taught.spread.words.said()
        assert "8 positions" in taught.spread.words.said()
    taught.point.draw(ellipsoid=False)
    drawn = [result.reference(role).GetDisplayVisibility() for role in (CLOUD, ELLIPSOID)]
    assert drawn == [1, 0]
    node.SetNthControlPointPositionWorld(0, (500.0, 0.0, 0.0))
    assert "no estimate" in taught.spread.words.said() and not taught.spread.near_possible
    assert not result.reference(CLOUD).GetDisplayVisibility()


def test_close_up_goes_near_and_back_and_does_not_outlive_its_result(taught, result) -> None:
    place(taught, result, (2.0, 5.0, 3.0))
    width = slice_nodes(taught.stage)[0].GetFieldOfView()[0]
    taught.point.close_up(True)
    assert taught.spread.near
    assert slice_nodes(taught.stage)[0].GetFieldOfView()[0] < width / 3
    taught.point.on_kept(None, None)
    assert slice_nodes(taught.stage)[0].GetFieldOfView()[0] > width / 3
    assert not taught.spread.near and taught.looked_around == 1
    assert not result.reference(CLOUD).GetDisplayVisibility()
    taught.point.on_kept(result, taught.controls.kept)
    assert result.reference(CLOUD).GetDisplayVisibility()


def test_a_point_can_be_placed_anew_or_not_at_all(taught, result) -> None:
    interaction = taught.stage.application.GetInteractionNode()
    if interaction is None:
        pytest.skip("NOT TESTED: this scene has no interaction node.")
    place(taught, result, (2.0, 5.0, 3.0))
    taught.point.place(True)
    assert result.reference(POINT).GetNumberOfControlPoints() == 0
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    taught.point.place(False)
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert not taught.spread.placing
