"""The section Teaching."""

from __future__ import annotations

from typing import Any


class TeachingSection:
    """The section Teaching.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
