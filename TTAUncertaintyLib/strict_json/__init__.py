"""The one door for text from outside: JSON into values, and values into typed dataclasses.

Whatever a file holds, what comes out is a value of the type that was asked for, or one of the two
errors of this room, in words for a person.
"""

from .text import Unreadable, parse_json, read_json, read_text
from .typed import (
    Between,
    Check,
    Matching,
    Mended,
    NotAllowed,
    OneOf,
    OrNan,
    allowed,
    is_needed,
    key,
    keys_of,
    plain,
    read_as,
    take_version,
)
