"""What the reviewer decides: a verdict and a comment on each place, and one on the whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from enum import Enum

from .hot_spots import HotSpot


class Verdict(Enum):
    """What a reviewer says of a place, or of the whole registration."""

    OPEN = "open"
    ACCEPT = "accept"
    CHECK = "check"
    REJECT = "reject"

    @property
    def title(self) -> str:
        """For the screen."""
        return _TITLES[self]


_TITLES = {
    Verdict.OPEN: "Not decided",
    Verdict.ACCEPT: "Accepted",
    Verdict.CHECK: "To be checked",
    Verdict.REJECT: "Rejected",
}


@dataclass(frozen=True)
class PlaceVerdict:
    """A verdict on one hot spot, kept by where the spot was and not by its rank."""

    #: The map on which the spot was found, as in the record, for example "total".
    map_key: str = field(metadata={"key": "map"})
    #: Of the spot's peak, world LPS.
    position_lps_mm: tuple[float, float, float]
    #: Of the spot when it was judged, in the map's unit.
    peak: float
    verdict: Verdict
    comment: str = ""
    #: When, UTC, ISO 8601.
    decided: str = field(default="", metadata={"key": "decided_utc"})


@dataclass(frozen=True)
class Review:
    """Everything that a reviewer has set and decided about one result."""

    #: Name; may be empty.
    reviewer: str = ""
    #: Above which the reviewer counts voxels of a structure; None until it is set.
    tolerance_mm: float | None = None
    #: Above which hot spots are looked for, in the unit of the map; None until it is set.
    threshold_mm: float | None = None
    #: The map that is reviewed, as in the record.
    map_key: str = field(default="total", metadata={"key": "map"})
    #: Verdicts on hot spots, of all maps and of earlier thresholds too: none is dropped.
    places: tuple[PlaceVerdict, ...] = ()
    #: On the registration as a whole.
    verdict: Verdict = Verdict.OPEN
    comment: str = ""
    #: When the overall verdict or comment was last changed, UTC, ISO 8601; "" if never.
    decided: str = field(default="", metadata={"key": "decided_utc"})

    def with_overall(
        self, verdict: Verdict, comment: str | None = None, now: datetime | None = None
    ) -> Review:
        """Return this review with another overall verdict, and comment unless it is None."""
        said = self.comment if comment is None else comment
        return replace(self, verdict=verdict, comment=said, decided=timestamp(now))

    def with_place(
        self,
        spot: HotSpot,
        verdict: Verdict,
        comment: str = "",
        replaces: PlaceVerdict | None = None,
        now: datetime | None = None,
    ) -> Review:
        """Return this review with a verdict on a hot spot of the map under review.

        Parameters
        ----------
        verdict, comment
            What is said of it. An undecided place without a comment is not kept.
        replaces
            The verdict that the spot had so far, from `match_verdicts`; also whatever was said
            of the same position before is replaced.
        now
            For tests; the present time if None.
        """
        made = PlaceVerdict(
            self.map_key, spot.position_lps_mm, spot.peak, verdict, comment, timestamp(now)
        )
        kept = tuple(
            place
            for place in self.places
            if place != replaces
            and (place.map_key, place.position_lps_mm) != (made.map_key, made.position_lps_mm)
        )
        if verdict is Verdict.OPEN and not comment:
            return replace(self, places=kept)
        return replace(self, places=(*kept, made))


def timestamp(now: datetime | None = None) -> str:
    """Return a time, or the present, in UTC to the second, ISO 8601."""
    when = datetime.now(timezone.utc) if now is None else now.astimezone(timezone.utc)
    return when.isoformat(timespec="seconds")
