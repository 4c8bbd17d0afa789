"""Why an error is expected somewhere, in words that a person can act on."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Kinds of reason; the value is the key in records."""

    MISMATCH = "mismatch"
    CONTRADICTION = "contradiction"
    NO_RETURN = "no_return"
    UNEVEN = "uneven"
    NOTHING = "nothing_to_go_by"

    @property
    def words(self) -> str:
        """What is the matter, as a clause."""
        return _WORDS[self]


_WORDS = {
    Reason.MISMATCH: "the images do not match here",
    Reason.CONTRADICTION: "the network contradicts itself here",
    Reason.NO_RETURN: "there and back do not meet",
    Reason.UNEVEN: "the deformation is uneven here",
    Reason.NOTHING: "little here to go by",
}
