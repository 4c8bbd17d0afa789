"""The provisional map in the views while a run goes on, and what was there before, afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.results.report.scales import tidy_above
from TTAUncertaintyLib.scene.arrays import array_of
from TTAUncertaintyLib.scene.colors import own_colors
from TTAUncertaintyLib.scene.display import MapDisplay, apply
from TTAUncertaintyLib.scene.slices import Layers, composites, fit, set_layers

_OPACITY = 0.7
#: The first window is wide enough for most of the later ones, so that colours hold still.
_HEADROOM = 1.4


class PreviewView:
    """Lays the provisional map over the provisional image.

    Parameters
    ----------
    host
        See `widget`.
    """

    def __init__(self, host: Any) -> None:
        self._host = host
        self._before: list[tuple[Any, str, str, float]] = []
        self._window: tuple[float, float] | None = None

    def show(self, nodes: Any) -> None:
        """Show what has come; views look where they looked before.

        Parameters
        ----------
        nodes
            `scene.preview.PreviewNodes`.
        """
        if nodes.warped is None:
            return
        stage = self._host.stage
        first = not self._before
        if first:
            self._remember(stage)
        if nodes.total is not None and self._window is None:
            self._window = (0.0, tidy_above(_HEADROOM * _high(nodes.total)))
            kind = MapKind.TOTAL
            look = MapDisplay(kind, own_colors(kind), _OPACITY, None, self._window)
            apply(stage, nodes.total, look)
            set_layers(stage, Layers(nodes.warped, nodes.total, _OPACITY))
        elif first:
            set_layers(stage, Layers(nodes.warped))
        if first and not any(background for _node, background, _over, _share in self._before):
            fit(stage, nodes.warped)

    def end(self, restore: bool) -> None:
        """Forget the preview; put back what was shown before it, where nothing else comes."""
        before, self._before, self._window = self._before, [], None
        if not restore:
            return
        scene = self._host.stage.scene
        for node, background, foreground, share in before:
            if scene.IsNodePresent(node):
                held = node.StartModify()
                node.SetBackgroundVolumeID(background or None)
                node.SetForegroundVolumeID(foreground or None)
                node.SetForegroundOpacity(share)
                node.EndModify(held)

    def _remember(self, stage: Any) -> None:
        self._before = [
            (
                node,
                node.GetBackgroundVolumeID() or "",
                node.GetForegroundVolumeID() or "",
                node.GetForegroundOpacity(),
            )
            for node in composites(stage)
        ]


def _high(volume: Any) -> float:
    """Return the 95th percentile of a map where it says anything."""
    values = array_of(volume)
    values = values[np.isfinite(values) & (values > 0)]
    return float(np.percentile(values, 95)) if values.size else 1.0
