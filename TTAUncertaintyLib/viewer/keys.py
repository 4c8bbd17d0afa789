"""The keyboard."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..cohort.ratings import GRADES

if TYPE_CHECKING:
    from .viewer import Viewer

#: Keys, and what they do; the page shows this list.
KEYS = (
    ("N", "Next hot spot"),
    ("P", "Previous hot spot"),
    ("A", "Accept the hot spot"),
    ("C", "Check the hot spot later"),
    ("R", "Reject the hot spot"),
    ("M", "Next map"),
    ("F", "Flicker fixed and warped"),
    ("K", "Checkerboard of fixed and warped"),
    ("G", "Grid of the transform"),
    ("L", "Other layout"),
    ("Space", "Play the registrations (Teach)"),
    ("]", "Next result of the work list"),
    ("[", "Previous result of the work list"),
    ("1 – 4", "Grade of the pair, in a study"),
    ("?", "These keys"),
)


class Keys:
    """Does what a key asks for."""

    def __init__(self, viewer: Viewer) -> None:
        state, shown, review = viewer.state, viewer.map.controls, viewer.review.controls

        def keys() -> None:
            state.keys_shown = not state.keys_shown

        self._doing = {
            "n": lambda: review.step(1),
            "p": lambda: review.step(-1),
            "a": lambda: review.decide("accept"),
            "c": lambda: review.decide("check"),
            "r": lambda: review.decide("reject"),
            "m": shown.step,
            "f": lambda: shown.toggle(compare="flicker"),
            "k": lambda: shown.toggle(compare="checkerboard"),
            "g": lambda: shown.toggle(transform="grid"),
            "l": shown.other_layout,
            " ": viewer.teaching.controls.toggle,
            "]": lambda: viewer.work.controls.step(1),
            "[": lambda: viewer.work.controls.step(-1),
            "?": keys,
        } | {str(n): partial(viewer.work.controls.grade, n) for n in GRADES}
        viewer.server.trigger("tta_key")(self._pressed)

    def _pressed(self, key: str) -> None:
        doing = self._doing.get(key)
        if doing is not None:
            doing()
