"""Verdicts stay with their place, whatever the threshold, and nothing said is ever lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.review import (
    HotSpotRegions,
    MatchedReview,
    Review,
    Verdict,
    decide,
    hot_spot_regions,
    match_verdicts,
    review_from_json,
    review_to_json,
)

LATTICE = Lattice.from_geometry(
    (40, 10, 10), (1.5, 2.0, 2.0), (10, -20, 30), [[0, -1, 0], [1, 0, 0], [0, 0, -1]]
)


def regions(threshold: float, high_peak: float = 5.0) -> HotSpotRegions:
    """Two peaks, of 5 mm and 4 mm, with a saddle of 2 mm between them."""
    i = np.arange(40.0)
    line = 0.5 + np.maximum(
        (high_peak - 0.5) * np.exp(-(((i - 10) / 5) ** 2)), 3.5 * np.exp(-(((i - 26) / 5) ** 2))
    )
    line[14:23] = np.maximum(line[14:23], 2.0)
    values = np.broadcast_to(line, LATTICE.array_shape).astype(np.float32)
    values = values * np.where(np.arange(10) == 5, 1.0, 0.99)[:, None, None].astype(np.float32)
    return hot_spot_regions(values, np.ones(values.shape, bool), LATTICE, threshold)


def judged(review: Review, found: HotSpotRegions, *verdicts: tuple[Verdict, str]) -> Review:
    for reviewed, (verdict, comment) in zip(
        match_verdicts(review, found).spots, verdicts, strict=True
    ):
        review = decide(review, reviewed, verdict, comment)
    return review


def everything_said(matched: MatchedReview) -> set[str]:
    places = [spot.place for spot in matched.spots if spot.place is not None]
    places += [place for spot in matched.spots for place in spot.earlier]
    return {place.comment for place in (*places, *matched.elsewhere)}


BOTH = ((Verdict.CHECK, "look at the high one"), (Verdict.ACCEPT, "the low one is fine"))


def test_verdicts_return_to_their_spots_at_the_same_threshold() -> None:
    review = judged(Review(), regions(2.5), *BOTH)
    matched = match_verdicts(review, regions(2.5))
    assert [(spot.verdict, spot.comment) for spot in matched.spots] == list(BOTH)
    assert matched.count(Verdict.ACCEPT) == 1
    assert not matched.elsewhere


def test_a_higher_threshold_keeps_the_verdict_of_the_peak_and_hands_on_the_other() -> None:
    review = judged(Review(), regions(2.5), *BOTH)
    matched = match_verdicts(review, regions(4.2))
    assert [(spot.verdict, spot.comment) for spot in matched.spots] == [BOTH[0]]
    assert [place.comment for place in matched.elsewhere] == [BOTH[1][1]]


def test_merged_spots_keep_the_verdict_of_the_higher_peak_and_list_the_other() -> None:
    review = judged(Review(), regions(2.5), *BOTH)
    (only,) = match_verdicts(review, regions(1.5)).spots
    assert (only.verdict, only.comment) == BOTH[0]
    assert [place.comment for place in only.earlier] == [BOTH[1][1]]


def test_accepting_a_low_place_does_not_accept_a_higher_peak_that_swallows_it() -> None:
    review = judged(Review(), regions(2.5), (Verdict.OPEN, ""), (Verdict.ACCEPT, "fine"))
    (merged,) = match_verdicts(review, regions(1.5)).spots
    assert merged.verdict is Verdict.OPEN
    assert [place.comment for place in merged.earlier] == ["fine"]


def test_a_verdict_on_a_merged_spot_falls_to_the_peak_when_it_splits() -> None:
    review = judged(Review(), regions(1.5), (Verdict.REJECT, "all of it"))
    high, low = match_verdicts(review, regions(2.5)).spots
    assert high.verdict is Verdict.REJECT
    assert low.verdict is Verdict.OPEN


def test_deciding_again_replaces_what_was_said() -> None:
    review = judged(Review(), regions(2.5), *BOTH)
    (spot, _) = match_verdicts(review, regions(2.5)).spots
    review = decide(review, spot, Verdict.REJECT)
    (spot, _) = match_verdicts(review, regions(2.5)).spots
    assert (spot.verdict, spot.comment) == (Verdict.REJECT, BOTH[0][1])
    review = decide(review, spot, comment="now otherwise")
    assert len(review.places) == 2
    (spot, _) = match_verdicts(review, regions(2.5)).spots
    assert (spot.verdict, spot.comment) == (Verdict.REJECT, "now otherwise")
    undecided = decide(review, spot, Verdict.OPEN, "")
    assert len(undecided.places) == 1


def test_a_verdict_whose_peak_has_moved_within_the_spot_is_replaced_and_not_doubled() -> None:
    """Another region to look in may put the peak of the same spot elsewhere."""
    review = judged(Review(), regions(2.5), *BOTH)
    x, y, z = review.places[0].position_lps_mm
    moved = replace(review.places[0], position_lps_mm=(x, y + 2.0, z))
    review = replace(review, places=(moved, review.places[1]))
    first = match_verdicts(review, regions(2.5)).spots[0]
    assert first.comment == BOTH[0][1]
    review = decide(review, first, Verdict.ACCEPT, "seen")
    assert len(review.places) == 2
    assert match_verdicts(review, regions(2.5)).spots[0].earlier == ()


def test_a_verdict_on_another_map_is_shown_as_such_and_kept() -> None:
    review = judged(Review(), regions(2.5), *BOTH)
    other = replace(review, map_key="jitter")
    matched = match_verdicts(other, regions(2.5))
    assert all(spot.verdict is Verdict.OPEN for spot in matched.spots)
    assert len(matched.elsewhere) == 2
    both_maps = judged(other, regions(2.5), *BOTH)
    assert len(both_maps.places) == 4


@given(st.lists(st.floats(0.6, 5.2), min_size=1, max_size=6), st.integers(0, 100))
def test_no_comment_is_lost_on_any_way_through_thresholds(way: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    review, said = Review(), set()
    for step, threshold in enumerate(way):
        matched = match_verdicts(review, regions(threshold))
        assert everything_said(matched) == said
        for reviewed in matched.spots:
            if generator.random() < 0.6:
                said -= {reviewed.comment}
                comment = f"step {step}, spot {reviewed.rank}"
                review = decide(review, reviewed, Verdict.CHECK, comment)
                said |= {comment}
    assert everything_said(match_verdicts(review, regions(2.5))) == said


@given(
    st.text(max_size=30),
    st.one_of(st.none(), st.floats(0, 100)),
    st.sampled_from(Verdict),
    st.text(max_size=60),
)
def test_a_review_survives_as_text(
    name: str, tolerance: float | None, verdict: Verdict, comment: str
) -> None:
    review = judged(Review(name, tolerance, 2.5, "total"), regions(2.5), *BOTH)
    review = review.with_overall(verdict, comment)
    text = review_to_json(review)
    assert text.isascii()
    assert review_from_json(text) == review


def test_times_are_universal() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert Review().with_overall(Verdict.ACCEPT, now=noon).decided == "2026-07-01T10:00:00+00:00"


def _damaged(change: str) -> str:
    content = json.loads(review_to_json(judged(Review(), regions(2.5), *BOTH)))
    if change == "unknown verdict":
        content["places"][0]["verdict"] = "perhaps"
    elif change == "no position":
        del content["places"][0]["position_lps_mm"]
    elif change == "two coordinates":
        content["places"][0]["position_lps_mm"] = [1, 2]
    elif change == "infinite peak":
        content["places"][0]["peak"] = float("inf")
    elif change == "newer":
        content["schema_version"] = 99
    elif change == "a list":
        content = [content]
    return json.dumps(content)


@pytest.mark.parametrize(
    "change",
    ["unknown verdict", "no position", "two coordinates", "infinite peak", "newer", "a list"],
)
def test_a_damaged_or_newer_review_is_refused_and_not_guessed(change: str) -> None:
    with pytest.raises(InputError):
        review_from_json(_damaged(change))


@pytest.mark.parametrize(("where", "key"), [("review", "verdict"), ("place", "comment")])
def test_what_is_missing_is_not_taken_for_undecided(where: str, key: str) -> None:
    content = json.loads(review_to_json(judged(Review(), regions(2.5), *BOTH)))
    del (content if where == "review" else content["places"][0])[key]
    with pytest.raises(InputError, match=f"{key}' is missing"):
        review_from_json(json.dumps(content))


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(InputError, match="damaged"):
        review_from_json('{"schema_version": 1')
