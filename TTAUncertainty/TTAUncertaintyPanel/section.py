"""What the sections of the panel have in common."""

from __future__ import annotations

from typing import Any

from TTAUncertaintyLib.scene.stage import Stage


class Section:
    """A part of the panel. `widget` says which methods its host calls."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""
        stage: Stage = self._host.stage
        return stage
