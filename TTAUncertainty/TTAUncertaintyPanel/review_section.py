"""The section Review."""

from __future__ import annotations

from typing import Any


class ReviewSection:
    """The section Review.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
