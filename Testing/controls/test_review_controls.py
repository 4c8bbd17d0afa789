"""What a review's controls show, and what deciding does; without Qt and trame."""

from __future__ import annotations

import csv
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.phantom import FIXED
from support.scene_results import load_bundle

from TTAUncertaintyLib.controls import review_findings
from TTAUncertaintyLib.controls.review_view import carried_view
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.results.labels import RecordedLabels
from TTAUncertaintyLib.review import LandmarkPair, Review, Verdict
from TTAUncertaintyLib.review.landmark_files import PairedLandmarks
from TTAUncertaintyLib.scene.hot_spots import spots_role
from TTAUncertaintyLib.scene.review_state import read_review
from TTAUncertaintyLib.scene.stage import nodes_of_class
from TTAUncertaintyLib.scene.structures import Structures

HALVES = np.ones(FIXED.array_shape, np.uint8)
HALVES[: len(HALVES) // 2] = 2


def column(table: Any, number: int) -> list[str]:
    return [row.cells[number] for row in table.rows]


def drawn(result: Any) -> dict[str, int]:
    nodes = {verdict: result.reference(spots_role(verdict)) for verdict in Verdict}
    return {v.value: n.GetNumberOfControlPoints() for v, n in nodes.items() if n is not None}


def crosshair(stage: Any) -> Any:
    return stage.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode").GetCrosshairRAS()


def pairs(*places: tuple[float, float, float], how: str = "by name") -> PairedLandmarks:
    found = [LandmarkPair(f"P{n}", (0.0, 0.0, 0.0), place) for n, place in enumerate(places)]
    return PairedLandmarks(tuple(found), how)


def test_before_a_result_it_says_why_there_is_nothing(desk) -> None:
    desk.controls.on_result(None)
    assert "nothing to review" in desk.view.nothing.said()
    desk.controls.step(1)
    desk.controls.decide("accept")
    desk.controls.decide_overall("accept")
    desk.controls.set_reviewer("x")
    assert desk.told == []
    with pytest.raises(InputError, match="no review"):
        desk.controls.writing(Path("x"), ())


def test_places_are_ranked_with_numbers_and_their_units(reviewing) -> None:
    table = reviewing.view.spots.table
    assert [(one.title, one.unit) for one in table.headings[:4]] == [
        ("#", ""),
        ("Peak", "mm"),
        ("Mean", "mm"),
        ("cm³", ""),
    ]
    assert column(table, 1) == ["3.00", "2.00", "1.50"]
    assert column(table, 2) == ["2.70", "1.80", "1.35"]
    assert column(table, 3)[0] == f"{125 * FIXED.voxel_volume / 1000:.1f}"
    assert reviewing.view.spots.words.said() == "Total uncertainty: 3 not decided."
    assert reviewing.view.spots.highest == 3.0 and reviewing.view.said.reviewer == "Dr. Ö"


def test_next_and_previous_go_round_and_take_the_views_there(reviewing, stage) -> None:
    visited, places = [], list(reviewing.controls.places.values())
    for by in (1, 1, 1, 1, -1):
        reviewing.controls.step(by)
        visited.append(reviewing.selected)
        assert crosshair(stage) == pytest.approx(places[reviewing.selected])
    assert visited == [0, 1, 2, 0, 2]
    spots = reviewing.view.spots
    assert spots.place.said() == "3 of 3" and spots.facts.said().startswith("Peak 1.50 mm")


def test_a_verdict_belongs_to_the_place_that_is_looked_at_and_a_second_one_takes_it_back(
    reviewing, result
) -> None:
    assert all(option.why_not for option in reviewing.view.spots.verdicts)
    reviewing.controls.decide("reject")
    assert reviewing.told == []  # no place is chosen
    reviewing.controls.step(1)
    assert not any(option.why_not for option in reviewing.view.spots.verdicts)
    reviewing.controls.decide("reject")
    reviewing.controls.comment_on_spot("beside the ventricle")
    row = reviewing.view.spots.table.rows[0]
    assert (row.cells[-1], row.verdict, row.about) == ("reject", "reject", "beside the ventricle")
    assert drawn(result) == {"reject": 1, "open": 2}
    reviewing.controls.decide("whatever")
    assert read_review(result) == reviewing.told[-1] and len(reviewing.told) == 2
    reviewing.controls.decide("reject")
    assert reviewing.view.spots.verdict == "" and drawn(result) == {"open": 3}
    for expected in (Verdict.CHECK, Verdict.OPEN):
        reviewing.controls.decide_overall("check")
        assert reviewing.view.said.verdict is expected


def test_another_threshold_finds_other_places_and_drops_no_verdict(reviewing, result) -> None:
    reviewing.controls.step(1)
    reviewing.controls.decide("reject")
    for value, count in ((2.5, 1), (3.0, 0), (1.0, 3)):
        reviewing.controls.set_threshold(value)
        spots = reviewing.settle().spots
        assert len(spots.table.rows) == count and reviewing.selected == -1
        assert ("is kept" in spots.words.said()) is (count == 0)
        assert spots.highest >= value
    assert reviewing.view.spots.table.rows[0].verdict == "reject"
    assert len(reviewing.told) == 1  # a threshold is no decision


def test_each_map_is_reviewed_with_its_own_threshold(reviewing) -> None:
    reviewing.controls.set_threshold(1.2)
    reviewing.controls.on_map(MapKind.INVERSE_CONSISTENCY)
    spots = reviewing.settle().spots
    assert "Inverse-consistency" in spots.words.said() and spots.threshold != 1.2
    reviewing.controls.on_map(MapKind.JACOBIAN)  # has no unit: the review stays where it is
    assert "Inverse-consistency" in reviewing.settle().spots.words.said()
    reviewing.controls.on_map(MapKind.TOTAL)
    assert reviewing.settle().spots.threshold == 1.2


def test_structures_have_numbers_and_name_the_places(reviewing) -> None:
    assert reviewing.view.structures.words.said().endswith("by structure. Choose one.")
    reviewing.labels = Structures(HALVES, FIXED, {1: "left", 2: "right"})
    reviewing.controls.changed()
    in_mm, change = reviewing.settle().structures.tables
    assert column(in_mm, 0) == ["left", "right"] and change.headings[-1].title == "Folded"
    assert [one.title for one in in_mm.headings][1:] == ["cm³", "Median", "95 %", "Highest"]
    assert set(column(reviewing.view.spots.table, 5)) == {"left", "right"}
    reviewing.controls.set_tolerance(1.5)
    in_mm = reviewing.settle().structures.tables[0]
    assert in_mm.headings[-1].title == "> 1.5 mm" and in_mm.rows[0].cells[-1].endswith("%")
    assert reviewing.told[-1].tolerance_mm == 1.5
    assert reviewing.controls.result.reference("table.structures").GetNumberOfRows() > 2
    reviewing.labels = InputError("They lie elsewhere.")
    reviewing.controls.refresh()
    assert reviewing.view.structures.words.said() == "They lie elsewhere."
    assert reviewing.view.structures.tables == () and len(reviewing.view.spots.table.rows) == 3


def test_what_takes_a_while_does_not_hold_the_screen(reviewing, monkeypatch) -> None:
    go_on, searches = threading.Event(), {}
    for name in ("spot_search", "statistics_search"):
        searches[name] = getattr(review_findings, name)

        def slowly(*arguments: Any, name: str = name) -> Any:
            search = searches[name](*arguments)
            return lambda: go_on.wait(60) and search()

        monkeypatch.setattr(review_findings, name, slowly)
    reviewing.labels = Structures(HALVES, FIXED, {1: "left", 2: "right"})
    reviewing.controls.set_threshold(1.25)
    reviewing.controls.decide_overall("accept")
    assert reviewing.view.spots.threshold == 1.25  # the slider stays where it is held
    reviewing.controls.refresh()
    assert reviewing.view.spots.words.said() == "Looking for places…"
    assert reviewing.view.spots.threshold == 1.25
    assert reviewing.view.structures.words.said() == "Measuring…"
    assert len(reviewing.view.spots.table.rows) == 3  # those found before stay
    go_on.set()
    view = reviewing.settle()
    assert view.structures.tables and view.spots.words.said().startswith("Total")


def test_landmarks_are_measured_beside_the_map(reviewing, stage) -> None:
    assert reviewing.view.landmarks.words.said().endswith("there. Place them.")
    reviewing.points = pairs((-3.0, 0.0, 4.0), how="by order")
    reviewing.controls.refresh()
    (table,) = reviewing.view.landmarks.tables
    assert [one.title for one in table.headings] == [
        "Landmark",
        "Before",
        "After",
        "Total uncertainty",
    ]
    assert table.rows[0].cells[:2] == ("P0", "5.00")
    assert "One pair: 5.00 mm apart" in reviewing.view.landmarks.words.said()
    reviewing.points = pairs((-3.0, 0.0, 4.0), (-3.0, 0.0, 4.0), (0.0, 30.0, 0.0))
    reviewing.controls.refresh()
    assert "3 landmarks, paired by name" in reviewing.view.landmarks.words.said()
    reviewing.controls.select_landmark(1)
    assert crosshair(stage) == pytest.approx((0, 0, 0)) and reviewing.view.landmark == 1
    reviewing.points = InputError("They do not fit together.")
    reviewing.controls.refresh()
    assert reviewing.view.landmarks.words.said() == "They do not fit together."
    assert reviewing.view.landmark == -1


def test_what_two_write_at_once_is_both_kept_and_stays_with_its_place(reviewing) -> None:
    reviewing.controls.step(1)
    key = reviewing.view.spots.key
    reviewing.controls.step(1)
    reviewing.controls.comment_on_spot("of the first", key, "")
    assert reviewing.view.spots.table.rows[0].about == "of the first"
    reviewing.controls.comment_on_spot("later", key, "")
    assert reviewing.view.spots.table.rows[0].about == "of the first / later"
    for text in ("one", "two"):
        reviewing.controls.comment_on_all(text, "")
    assert reviewing.view.said.comment == "one / two"
    told = len(reviewing.told)
    reviewing.controls.comment_on_all("as it was", "as it was")
    assert len(reviewing.told) == told
    with pytest.raises(InputError, match="You wrote: lost"):
        reviewing.controls.comment_on_spot("lost", "another place", "")


def test_nothing_is_found_or_drawn_that_nobody_sees(desk, result) -> None:
    desk.sees = frozenset()
    desk.controls.on_result(result)
    assert drawn(result) == {} and desk.view.spots.table.rows == ()
    desk.sees = frozenset({"spots"})
    desk.points = InputError("nobody looks")
    desk.first = Review(threshold_mm=0.01)
    desk.controls.refresh()
    desk.settle()
    assert sum(drawn(result).values()) == len(desk.view.spots.table.rows) > 0
    assert desk.view.landmarks.words.said() != "nobody looks"
    desk.sees = frozenset()
    desk.controls.refresh()
    assert drawn(result) == {}


def test_while_something_else_has_the_views_no_place_is_drawn(reviewing, result) -> None:
    reviewing.controls.suspend()
    reviewing.controls.refresh()
    assert drawn(result) == {} and len(reviewing.view.spots.table.rows) == 3
    reviewing.controls.show_again()
    assert drawn(result) == {"open": 3}


def test_two_results_have_a_review_each(reviewing, stage, result, folder) -> None:
    from TTAUncertaintyLib.results import Bundle

    reviewing.controls.step(1)
    reviewing.controls.decide_overall("accept")
    other = load_bundle(stage, Bundle.open(folder), None, None)
    reviewing.controls.on_result(other)
    assert drawn(result) == {} and reviewing.selected == -1
    assert reviewing.settle().said.verdict is Verdict.OPEN
    reviewing.controls.on_result(result)
    assert reviewing.settle().said.verdict is Verdict.ACCEPT


def test_looking_at_a_review_writes_none(desk, result) -> None:
    desk.first = Review()
    desk.controls.on_result(result)
    desk.settle()
    desk.controls.step(1)
    assert not result.text("review") and desk.told == []


def test_a_damaged_review_is_told_and_not_overwritten(desk, result) -> None:
    result.set_text("review", "{broken")
    desk.controls.on_result(result)
    desk.controls.set_reviewer("x")
    assert "damaged" in desk.view.nothing.said() and result.text("review") == "{broken"


def test_a_map_that_has_left_the_scene_is_said_to_be_gone(reviewing, stage, result) -> None:
    stage.scene.RemoveNode(result.maps[MapKind.TOTAL])
    reviewing.controls.step(1)
    reviewing.controls.refresh()
    assert "not in the scene any more" in reviewing.view.nothing.said()


def test_the_export_holds_what_was_decided(reviewing, tmp_path) -> None:
    reviewing.labels = Structures(HALVES, FIXED, {1: "left", 2: "right"})
    reviewing.points = pairs((-3.0, 0.0, 4.0))
    reviewing.controls.step(1)
    reviewing.controls.decide("reject")
    reviewing.controls.writing(tmp_path / "out", ())()
    with (tmp_path / "out" / "hot_spots.csv").open(encoding="utf-8-sig") as file:
        assert next(csv.DictReader(file))["Verdict"] == "Rejected"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "landmarks.csv",
        "structures.csv",
        "review.html",
    }


def test_carried_labels_are_listed_with_what_is_known_of_them(
    reviewing: Any,
) -> None:
    (table,) = reviewing.view.carried.tables
    assert [row.cells[0] for row in table.rows] == ["Left half", "Right half"]
    assert [row.cells[2:] for row in table.rows] == [("–",) * 4] * 2  # not calibrated
    assert "There are no intervals" in reviewing.view.carried.words.said()


def test_a_calibrated_structure_has_its_interval_and_its_remark() -> None:
    known = {
        "label": 4,
        "name": "Left half",
        "color": (1, 2, 3),
        "voxels": 100,
        "volume_cm3": 1.234,
        "moving_volume_cm3": 1.0,
        "volume_low_cm3": 0.9,
        "volume_high_cm3": 1.5,
        "expected_dice": 0.8,
        "expected_surface_mm": 0.75,
        "volume_spread_cm3": 0.1,
        "overlap_of_passes": 0.9,
        "surface_error_mm": 2.0,
        "surface_above": 0.6,
        "other_side": "",
        "asymmetry": None,
        "remark": "Not to be used at 2 mm: it is off.",
    }
    view = carried_view(RecordedLabels.of({"labels": {"structures": [known], "tolerance_mm": 2}}))
    (row,) = view.tables[0].rows
    assert row.cells == ("Left half", "1.23", "0.90 – 1.50", "0.80", "0.75", "60.0\u00a0%")
    assert (row.verdict, row.about) == ("check", "Not to be used at 2 mm: it is off.")
    assert view.tables[0].headings[-1].title == "> 2 mm"
    assert "1 are coloured" in view.words.said()


def test_a_carried_structure_is_looked_at_and_left_again(reviewing: Any, result: Any) -> None:
    def outlined() -> list[str]:
        nodes = nodes_of_class(reviewing.stage.scene, "vtkMRMLSegmentationNode")
        return [node.GetName() for node in nodes if node.GetDisplayVisibility()]

    reviewing.controls.select_structure(1)
    assert (reviewing.view.structure, outlined()) == (1, ["Outline of Right half"])
    reviewing.controls.select_structure(0)
    assert (reviewing.view.structure, outlined()) == (0, ["Outline of Left half"])
    assert crosshair(reviewing.stage)[0] < 0  # left is below 0 in RAS
    reviewing.controls.select_structure(0)
    assert (reviewing.view.structure, outlined()) == (-1, [])
