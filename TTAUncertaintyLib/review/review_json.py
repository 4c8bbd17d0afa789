"""A review as text, for the scene and for files. Schema version 1."""

from __future__ import annotations

import json

from ..errors import InputError
from ..strict_json import NotAllowed, Unreadable, keys_of, parse_json, plain, read_as, take_version
from .verdicts import PlaceVerdict, Review

REVIEW_SCHEMA_VERSION = 1


def review_to_json(review: Review) -> str:
    """Return a review as JSON, in ASCII: keys carry unit and frame."""
    # a browser may cut characters in halves, which no file can hold
    whole = json.dumps(plain(review), ensure_ascii=False).encode("utf-8", "replace")
    content = {"schema_version": REVIEW_SCHEMA_VERSION, **json.loads(whole)}
    return json.dumps(content, indent=1)


def review_from_json(text: str | bytes) -> Review:
    """Read what `review_to_json` wrote.

    Raises
    ------
    InputError
        If the text is damaged, or was written by a newer version. Nothing is guessed: a verdict
        that cannot be read must not turn into "not decided".
    """
    try:
        content = take_version(parse_json(text), REVIEW_SCHEMA_VERSION)
        review = read_as(Review, content, others=True)
        places = [(PlaceVerdict, place) for place in content["places"]] if review.places else []
        for kind, found in [(Review, content), *places]:
            for missing in keys_of(kind).keys() - found.keys():
                raise NotAllowed("is missing.", key=missing)
    except (Unreadable, NotAllowed) as error:
        raise InputError(
            f"The stored review is damaged and cannot be read: {error}".rstrip(".") + ".",
            "Open an earlier copy of the scene, or start a new review of this result.",
        ) from error
    return review
