"""The decision on the registration as a whole, and who makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from TTAUncertaintyLib.review import Review, Verdict

from .bindings import ButtonsBinding, TextBinding
from .hot_spots_tab import VERDICT_COLORS

#: In the settings of this machine: who reviewed last.
_REVIEWER = "TTAUncertainty/reviewer"


class OverallDecision:
    """Verdict, comment and reviewer at the foot of the section.

    Parameters
    ----------
    ui
        The form's widgets.
    onDecided
        Called with a verdict or None, and a comment or None.
    onReviewer
        Called with the reviewer's name.
    """

    def __init__(
        self,
        ui: Any,
        onDecided: Callable[[Verdict | None, str | None], None],
        onReviewer: Callable[[str], None],
    ) -> None:
        self._review = Review()
        self._onDecided = onDecided
        self._onReviewer = onReviewer
        self._verdict = ButtonsBinding(
            {
                "accept": ui.overallAcceptButton,
                "check": ui.overallCheckButton,
                "reject": ui.overallRejectButton,
            },
            "verdict",
            lambda _name, value: self._pressed(Verdict(value)),
            VERDICT_COLORS,
        )
        self._comment = TextBinding(
            ui.overallCommentEdit, "comment", lambda _name, text: onDecided(None, text)
        )
        self._reviewer = TextBinding(
            ui.reviewerEdit, "reviewer", lambda _name, text: self._named(text)
        )

    def show(self, review: Review) -> None:
        """Show what is decided."""
        self._review = review
        self._verdict.show(review.verdict.value)
        self._comment.show(review.comment)
        self._reviewer.show(review.reviewer)

    def _pressed(self, verdict: Verdict) -> None:
        """A second press on a verdict takes it back."""
        taken = verdict is self._review.verdict
        self._onDecided(Verdict.OPEN if taken else verdict, None)

    def _named(self, name: str) -> None:
        qt.QSettings().setValue(_REVIEWER, name)
        self._onReviewer(name)


def last_reviewer() -> str:
    """Return who reviewed last on this machine; "" if nobody did."""
    return str(qt.QSettings().value(_REVIEWER) or "")
