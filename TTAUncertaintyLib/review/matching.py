"""Which earlier verdict belongs to which hot spot, when the spots were found anew.

Another threshold makes other regions: they grow, shrink, merge and split. A verdict carries over
to a spot that holds the judged place and is nowhere higher than what the reviewer saw. It does
not carry over to a spot with a higher peak that has swallowed the place, since nobody looked at
that peak. Whatever does not carry over is handed on, never dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .hot_spots import HotSpot, HotSpotRegions
from .verdicts import PlaceVerdict, Review, Verdict

#: Two peaks that differ by less than this share are one and the same: maps are stored rounded.
_SAME_PEAK = 1e-3


@dataclass(frozen=True)
class ReviewedSpot:
    """A hot spot and what has been said of it."""

    #: From 1, the highest peak first.
    rank: int
    spot: HotSpot
    #: The verdict that holds for it; None where there is none yet.
    place: PlaceVerdict | None = None
    #: Verdicts on lower places that it has swallowed.
    earlier: tuple[PlaceVerdict, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict that holds, or that it is not decided."""
        return Verdict.OPEN if self.place is None else self.place.verdict

    @property
    def comment(self) -> str:
        """The comment that belongs to the verdict."""
        return "" if self.place is None else self.place.comment


@dataclass(frozen=True)
class MatchedReview:
    """Hot spots with their verdicts, and the verdicts that belong to none of them."""

    #: By rank.
    spots: tuple[ReviewedSpot, ...]
    #: Verdicts on places that are no hot spot at this threshold, or that were given on another
    #: map.
    elsewhere: tuple[PlaceVerdict, ...] = ()
    #: How many lower places above the threshold are not among the spots.
    left_out: int = 0

    def count(self, verdict: Verdict) -> int:
        """Return how many of the spots have a verdict."""
        return sum(spot.verdict is verdict for spot in self.spots)


def match_verdicts(review: Review, regions: HotSpotRegions) -> MatchedReview:
    """Give every hot spot the verdict that holds for it."""
    inside: dict[int, list[PlaceVerdict]] = {}
    elsewhere = []
    for place in review.places:
        found = None
        if place.map_key == review.map_key:
            found = regions.spot_at(place.position_lps_mm)
        if found is None:
            elsewhere.append(place)
        else:
            inside.setdefault(found, []).append(place)
    spots = []
    for number, spot in enumerate(regions.spots):
        places = inside.get(number, [])
        seen = [place for place in places if spot.peak <= place.peak * (1 + _SAME_PEAK)]
        held = min(seen, key=lambda place: _distance(spot, place)) if seen else None
        rest = tuple(place for place in places if place is not held)
        spots.append(ReviewedSpot(number + 1, spot, held, rest))
    return MatchedReview(tuple(spots), tuple(elsewhere), regions.left_out)


def decide(
    review: Review,
    reviewed: ReviewedSpot,
    verdict: Verdict | None = None,
    comment: str | None = None,
) -> Review:
    """Return the review with another verdict or comment on a spot; None leaves it as it is."""
    return review.with_place(
        reviewed.spot,
        reviewed.verdict if verdict is None else verdict,
        reviewed.comment if comment is None else comment,
        replaces=reviewed.place,
    )


def _distance(spot: HotSpot, place: PlaceVerdict) -> float:
    return math.dist(spot.position_lps_mm, place.position_lps_mm)
