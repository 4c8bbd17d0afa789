"""A review as text, for the scene and for files. Schema version 1."""

from __future__ import annotations

import json
import math
from typing import Any

from ..errors import InputError
from .verdicts import PlaceVerdict, Review, Verdict

REVIEW_SCHEMA_VERSION = 1


def review_to_json(review: Review) -> str:
    """Return a review as JSON, in ASCII: keys carry unit and frame."""
    content = {
        "schema_version": REVIEW_SCHEMA_VERSION,
        "reviewer": review.reviewer,
        "tolerance_mm": review.tolerance_mm,
        "threshold_mm": review.threshold_mm,
        "map": review.map_key,
        "verdict": review.verdict.value,
        "comment": review.comment,
        "decided_utc": review.decided,
        "places": [
            {
                "map": place.map_key,
                "position_lps_mm": list(place.position_lps_mm),
                "peak": place.peak,
                "verdict": place.verdict.value,
                "comment": place.comment,
                "decided_utc": place.decided,
            }
            for place in review.places
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False)


def review_from_json(text: str) -> Review:
    """Read what `review_to_json` wrote.

    Raises
    ------
    InputError
        If the text is damaged, or was written by a newer version. Nothing is guessed: a verdict
        that cannot be read must not turn into "not decided".
    """
    try:
        content = json.loads(text)
        version = content["schema_version"]
        if not isinstance(version, int):
            raise TypeError("schema_version")
        if version > REVIEW_SCHEMA_VERSION:
            raise InputError(
                f"The review was written by a newer version (schema {version}).",
                "Update TTAUncertainty.",
            )
        return Review(
            reviewer=_text(content["reviewer"]),
            tolerance_mm=_number_or_none(content["tolerance_mm"]),
            threshold_mm=_number_or_none(content["threshold_mm"]),
            map_key=_text(content["map"]),
            places=tuple(_place(place) for place in content["places"]),
            verdict=Verdict(content["verdict"]),
            comment=_text(content["comment"]),
            decided=_text(content["decided_utc"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "The stored review is damaged and cannot be read.",
            "Open an earlier copy of the scene, or start a new review of this result.",
        ) from error


def _place(content: dict[str, Any]) -> PlaceVerdict:
    x, y, z = (_number(value) for value in content["position_lps_mm"])
    return PlaceVerdict(
        _text(content["map"]),
        (x, y, z),
        _number(content["peak"]),
        Verdict(content["verdict"]),
        _text(content["comment"]),
        _text(content["decided_utc"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError("not a finite number")
    return float(value)


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)
