"""The section Run."""

from __future__ import annotations

from typing import Any


class RunSection:
    """The section Run."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host

    def showProblem(self, text: str, remedy: str = "") -> None:
        """Say what went wrong and what to do."""
        self._ui.messageLabel.text = f"{text} {remedy}".strip()
