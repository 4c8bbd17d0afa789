"""Why an error is expected at a place: the reasons, their words, and the share of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cues.reasons import Reason

#: A reason of a smaller share than this is not named.
_LEAST_SHARE = 0.15


@dataclass(frozen=True)
class Why:
    """One reason."""

    reason: Reason
    #: Of all that raises the expected error above what is usual, 0 to 1.
    share: float

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description, words included."""
        return {"reason": self.reason.value, "words": self.reason.words, "share": self.share}

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> Why:
        """Return the reason that `as_dict` described."""
        return cls(Reason(described["reason"]), float(described["share"]))


def why_of(logarithms: Mapping[Reason, float]) -> tuple[Why, ...]:
    """Return what raises an expected error, the largest share first; empty where nothing does.

    Parameters
    ----------
    logarithms
        What each reason adds to the logarithm of the expected error.
    """
    raising = {reason: value for reason, value in logarithms.items() if value > 0}
    whole = sum(raising.values())
    found = [Why(reason, value / whole) for reason, value in raising.items()]
    found = [why for why in found if why.share >= _LEAST_SHARE]
    return tuple(sorted(found, key=lambda why: -why.share))


def why_words(found: Sequence[Why]) -> str:
    """Return "the images do not match here (72 %), there and back do not meet (28 %)"."""
    return ", ".join(f"{why.reason.words} ({100 * why.share:.0f}\u00a0%)" for why in found)
