"""The section Inputs."""

from __future__ import annotations

from typing import Any


class InputsSection:
    """The section Inputs."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
