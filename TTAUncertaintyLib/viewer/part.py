"""What the parts of the viewer have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .viewer import Viewer


class Part:
    """A part of the viewer: a panel, or what stands behind one."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
