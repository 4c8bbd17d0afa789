"""The provisional map in the views while a run goes on, and the views as they were if it comes to
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..results import MapKind
from ..results.report.scales import LinearScale
from .arrays import array_of
from .colors import own_colors
from .display import MapDisplay, apply, refresh_legend
from .slices import Layers, composites, fit, set_layers


@dataclass(frozen=True)
class _View:
    """What a slice view showed before."""

    composite: Any
    background: str | None
    foreground: str | None
    opacity: float
    linked: tuple[int, int]


class LiveMap:
    """One run's provisional images in the slice views.

    The look is given once; after that only the voxels change.

    Parameters
    ----------
    stage
        `Stage`.
    opacity
        Of the map, 0 to 1.
    """

    def __init__(self, stage: Any, opacity: float) -> None:
        self._stage = stage
        self._opacity = opacity
        self._before: list[_View] = []
        self._warped = self._total = False

    @property
    def shown(self) -> bool:
        """Whether the views show the run."""
        return bool(self._before)

    def show(self, nodes: Any) -> None:
        """Show what there is: the warped image, and over it the map as soon as there is one.

        Parameters
        ----------
        nodes
            `scene.preview.PreviewNodes`.
        """
        if nodes.warped is None or (self._total or (self._warped and nodes.total is None)):
            return
        if not self._before:
            self._before = [_seen(node) for node in composites(self._stage)]
            fit(self._stage, nodes.warped)
        if nodes.total is not None:
            apply(self._stage, nodes.total, self._look_of(nodes.total))
        set_layers(self._stage, Layers(nodes.warped, nodes.total, self._opacity))
        if nodes.total is not None:
            refresh_legend(self._stage, nodes.total)
            with self._stage.batch():  # views that are new learn of the legend at its end
                pass
        self._warped, self._total = True, nodes.total is not None

    def restore(self) -> None:
        """Let the views show again what they showed before."""
        for view in self._before:
            composite = view.composite
            if composite.GetScene() is None:
                continue
            held = composite.StartModify()
            composite.SetBackgroundVolumeID(view.background)
            composite.SetForegroundVolumeID(view.foreground)
            composite.SetForegroundOpacity(view.opacity)
            composite.SetLinkedControl(view.linked[0])
            composite.SetHotLinkedControl(view.linked[1])
            composite.EndModify(held)
        self._before = []

    def _look_of(self, total: Any) -> MapDisplay:
        values = array_of(total)
        values = values[np.isfinite(values)]
        kind, high = MapKind.TOTAL, LinearScale.of(values).top
        return MapDisplay(kind, own_colors(kind), self._opacity, None, (0.0, high))


def _seen(composite: Any) -> _View:
    return _View(
        composite,
        composite.GetBackgroundVolumeID(),
        composite.GetForegroundVolumeID(),
        composite.GetForegroundOpacity(),
        (composite.GetLinkedControl(), composite.GetHotLinkedControl()),
    )
