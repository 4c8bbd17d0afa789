"""Tells when a person places, moves, renames or removes a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer


class PointsWatch:
    """Watches lists of points."""

    def __init__(self, moved: Callable[[], None]) -> None:
        self._moved = moved
        self._tags: list[tuple[Any, int]] = []

    def follow(self, *lists: Any) -> None:
        """Watch these lists, and no others; None for one that is not chosen."""
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        markups = slicer.vtkMRMLMarkupsNode
        self._tags = [
            (node, node.AddObserver(event, lambda *_event: self._moved()))
            for node in lists
            if node is not None
            for event in (
                markups.PointModifiedEvent,
                markups.PointPositionDefinedEvent,
                markups.PointRemovedEvent,
            )
        ]
