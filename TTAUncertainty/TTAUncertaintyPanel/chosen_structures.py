"""The structures that are chosen under Inputs, on the voxels of a result."""

from __future__ import annotations

from typing import Any

from TTAUncertaintyLib.scene.structures import Structures, structures_on


class ChosenStructures:
    """Keeps them until they change: bringing them onto other voxels takes a while.

    Parameters
    ----------
    host
        See `widget`.
    """

    def __init__(self, host: Any) -> None:
        self._host = host
        self._of: tuple[Any, Structures | None] = (None, None)

    def on(self, result: Any) -> Structures | None:
        """Return those of the chosen node, as it is now; raise InputError if unusable."""
        node = self._host.parameters.structures
        if node is None or result is None:
            return None
        segments = node.IsA("vtkMRMLSegmentationNode")
        content = node.GetSegmentation() if segments else node.GetImageData()
        state = (
            result.node.GetID(),
            node.GetID(),
            node.GetMTime(),
            0 if content is None else content.GetMTime(),
        )
        if self._of[0] != state:
            self._of = state, structures_on(self._host.stage, node, result.warped)
        return self._of[1]
