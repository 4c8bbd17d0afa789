"""A review as text, for the scene and for files. Schema version 1."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..errors import InputError
from ..reading import NotAllowed, Unreadable, parse_json, read_as, take_version
from .verdicts import PlaceVerdict, Review, Verdict

REVIEW_SCHEMA_VERSION = 1


def review_to_json(review: Review) -> str:
    """Return a review as JSON, in ASCII: keys carry unit and frame."""
    content = {
        "schema_version": REVIEW_SCHEMA_VERSION,
        "reviewer": _whole(review.reviewer),
        "tolerance_mm": review.tolerance_mm,
        "threshold_mm": review.threshold_mm,
        "map": review.map_key,
        "verdict": review.verdict.value,
        "comment": _whole(review.comment),
        "decided_utc": review.decided,
        "places": [
            {
                "map": place.map_key,
                "position_lps_mm": list(place.position_lps_mm),
                "peak": place.peak,
                "verdict": place.verdict.value,
                "comment": _whole(place.comment),
                "decided_utc": place.decided,
            }
            for place in review.places
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False)


@dataclass(frozen=True)
class _Place:
    """A place as the text has it: every key has to be there."""

    map: str
    position_lps_mm: tuple[float, float, float]
    peak: float
    verdict: Verdict
    comment: str
    decided_utc: str


@dataclass(frozen=True)
class _Review:
    """The same of the whole."""

    reviewer: str
    tolerance_mm: float | None
    threshold_mm: float | None
    map: str
    verdict: Verdict
    comment: str
    decided_utc: str
    places: tuple[_Place, ...]


def review_from_json(text: str | bytes) -> Review:
    """Read what `review_to_json` wrote.

    Raises
    ------
    InputError
        If the text is damaged, or was written by a newer version. Nothing is guessed: a verdict
        that cannot be read must not turn into "not decided".
    """
    try:
        found = read_as(_Review, take_version(parse_json(text), REVIEW_SCHEMA_VERSION), others=True)
    except (Unreadable, NotAllowed) as error:
        raise InputError(
            f"The stored review is damaged and cannot be read: {error}".rstrip(".") + ".",
            "Open an earlier copy of the scene, or start a new review of this result.",
        ) from error
    places = tuple(
        PlaceVerdict(p.map, p.position_lps_mm, p.peak, p.verdict, p.comment, p.decided_utc)
        for p in found.places
    )
    return Review(
        found.reviewer,
        found.tolerance_mm,
        found.threshold_mm,
        found.map,
        places,
        found.verdict,
        found.comment,
        found.decided_utc,
    )


def _whole(text: str) -> str:
    """Return a text without halves of characters, which a browser may cut and no file can hold."""
    return text.encode("utf-8", "replace").decode()
