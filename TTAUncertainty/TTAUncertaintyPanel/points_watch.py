"""Tells when a person places, moves, renames or removes a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.util import VTKObservationMixin


class PointsWatch(VTKObservationMixin):
    """Watches lists of points.

    Parameters
    ----------
    moved
        Called after a change.
    """

    def __init__(self, moved: Callable[[], None]) -> None:
        VTKObservationMixin.__init__(self)
        self._moved = moved

    def follow(self, *lists: Any) -> None:
        """Watch these lists, and no others; None for one that is not chosen."""
        self.removeObservers()
        markups = slicer.vtkMRMLMarkupsNode
        for node in {node for node in lists if node is not None}:
            for event in (
                markups.PointModifiedEvent,
                markups.PointPositionDefinedEvent,
                markups.PointRemovedEvent,
            ):
                self.addObserver(node, event, lambda *_event: self._moved())
