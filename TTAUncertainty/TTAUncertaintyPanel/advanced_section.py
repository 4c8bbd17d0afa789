"""The section Advanced."""

from __future__ import annotations

from typing import Any


class AdvancedSection:
    """The section Advanced."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
