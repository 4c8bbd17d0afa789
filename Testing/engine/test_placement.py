"""Placement: what overlap is, when it is refused, and which steps are taken and recorded."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.images import waves
from support.lattices import FLIPPED, OBLIQUE, PLAIN, affine, rotation
from support.predictors import StandIn

from TTAUncertaintyLib.engine import check_overlap, overlap, place
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, Prealignment, Start

FAR = Lattice(PLAIN.size, affine(np.eye(3), (400.0, 0.0, 300.0)) @ PLAIN.matrix)
TURNED = affine(rotation((0, 0, 1), 10.0), (1.0, 2.0, 3.0))


@pytest.mark.parametrize("lattice", [PLAIN, OBLIQUE, FLIPPED], ids=["plain", "oblique", "flipped"])
def test_a_lattice_overlaps_with_itself_entirely(lattice: Lattice) -> None:
    assert overlap(lattice, lattice, np.eye(4)) == 1.0


def test_half_a_field_of_view_apart_is_half_an_overlap() -> None:
    half = affine(np.eye(3), PLAIN.linear @ np.array([PLAIN.size[0] / 2, 0.0, 0.0]))
    assert overlap(PLAIN, PLAIN, half) == 0.5


def test_overlap_is_the_share_of_the_fixed_field_of_view() -> None:
    inner = PLAIN.centered((5, 5, 5), 2.0, PLAIN.center)
    assert overlap(inner, PLAIN, np.eye(4)) == 1.0
    assert overlap(PLAIN, inner, np.eye(4)) < 0.2


def test_overlap_goes_through_the_initial_transform() -> None:
    there = affine(np.eye(3), FAR.center - PLAIN.center)
    assert overlap(PLAIN, FAR, np.eye(4)) == 0.0
    assert overlap(PLAIN, FAR, there) == 1.0
    assert overlap(PLAIN, FAR, np.linalg.inv(there)) == 0.0


def test_images_without_overlap_are_refused_with_their_distance_and_a_remedy() -> None:
    with pytest.raises(InputError, match="do not overlap") as caught:
        check_overlap(waves(PLAIN), waves(FAR), np.eye(4))
    assert "500 mm apart" in caught.value.problem
    assert "--start" in caught.value.remedy


class Recorder:
    """Stands in for the optimiser: remembers what it was asked, returns a known answer."""

    def __init__(self, answer: Matrix) -> None:
        self.answer = answer
        self.asked: list[tuple[Matrix, Prealignment]] = []

    def __call__(self, fixed: Image, moving: Image, start: Matrix, kind: Prealignment) -> Matrix:
        self.asked.append((start, kind))
        return start if kind is Prealignment.NONE else self.answer


@pytest.fixture
def optimiser(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(TURNED)
    monkeypatch.setattr("TTAUncertaintyLib.engine.placement.prealign", recorder)
    return recorder


class Demanding(StandIn):
    """A model that wants affinely aligned images."""

    description = StandIn.description.__class__(
        **{**vars(StandIn.description), "expects_affine_alignment": True}
    )


def test_a_model_that_expects_aligned_images_gets_them(optimiser: Recorder) -> None:
    placement = place(waves(PLAIN), waves(PLAIN), Demanding())
    assert placement.prealignment is Prealignment.AFFINE
    assert np.array_equal(placement.initial, TURNED)
    assert placement.start == "header"


def test_a_model_that_expects_nothing_gets_the_start(optimiser: Recorder) -> None:
    placement = place(waves(PLAIN), waves(FAR), StandIn(), Start.CENTER)
    assert placement.prealignment is Prealignment.NONE
    assert np.allclose(placement.initial[:3, 3], FAR.center - PLAIN.center)


@pytest.mark.parametrize("kind", Prealignment)
def test_what_the_person_asks_for_goes_before_what_the_model_expects(
    optimiser: Recorder, kind: Prealignment
) -> None:
    given = affine(np.eye(3), (3.0, 0.0, 0.0))
    placement = place(waves(PLAIN), waves(PLAIN), Demanding(), given, kind)
    assert placement.prealignment is kind
    assert placement.start == "transform"
    assert len(optimiser.asked) == 1
    assert np.array_equal(optimiser.asked[0][0], given) and optimiser.asked[0][1] is kind


def test_images_apart_are_refused_before_the_optimiser_is_asked(optimiser: Recorder) -> None:
    with pytest.raises(InputError, match="do not overlap"):
        place(waves(PLAIN), waves(FAR), Demanding())
    assert optimiser.asked == []


def test_an_optimiser_that_runs_away_is_noticed(optimiser: Recorder) -> None:
    optimiser.answer = affine(np.eye(3), (900.0, 0.0, 0.0))
    with pytest.raises(InputError, match="do not overlap"):
        place(waves(PLAIN), waves(PLAIN), Demanding())


def test_the_record_of_a_placement_is_json(optimiser: Recorder) -> None:
    record = place(waves(PLAIN), waves(PLAIN), Demanding()).as_dict()
    again = json.loads(json.dumps(record))
    assert np.array_equal(again["initial_fixed_to_moving_lps"], TURNED)
    assert (again["start"], again["prealignment"]) == ("header", "affine")
