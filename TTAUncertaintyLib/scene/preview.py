"""The provisional map on the screen while a run goes on: two nodes that are filled anew."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import read_stored
from ..review.foreground import foreground_of
from .arrays import add_volume, array_of, fill
from .result import remove_with_display
from .stage import Stage, nodes_of_class

#: Marks the two nodes; its value is which of them it is.
ATTRIBUTE = "TTAUncertainty.Preview"
#: On the two nodes: the folder of the run that they show.
_RUN = "TTAUncertainty.PreviewFolder"

_TITLES = {"warped": "Warped, provisional", "total": "Total uncertainty (mm), provisional"}


@dataclass(frozen=True)
class PreviewNodes:
    """The provisional volumes; None where there is none yet."""

    #: The moving volume, registered, on the network's lattice.
    warped: Any
    #: Total uncertainty in mm from the passes so far, on the same lattice; NaN outside the
    #: anatomy.
    total: Any


#: Where there is anatomy, by the folder of the run: found ahead of its first map.
_regions: dict[str, NDArray[np.bool_]] = {}


def look_ahead(preview: Any) -> None:
    """Find where the anatomy is in a run's first preview, so that showing its maps is quick.

    Touches no scene: fit for a thread. Without it, `show_preview` looks for itself.

    Parameters
    ----------
    preview
        `worker.run.Preview` with the warped image.
    """
    with contextlib.suppress(InputError):  # the run is over, its files are gone
        _regions[str(preview.folder)] = foreground_of(read_stored(preview.warped).values)


def show_preview(stage: Stage, preview: Any) -> PreviewNodes:
    """Fill the provisional nodes with the latest preview; make them at the first one.

    Parameters
    ----------
    preview
        `worker.run.Preview`. Files that were replaced meanwhile are left out: the next preview
        follows soon.
    """
    run = str(preview.folder)
    for name, path in (("warped", preview.warped), ("total", preview.total)):
        node = _find(stage.scene, name)
        if node is not None and node.GetAttribute(_RUN) != run:  # of a run before
            remove_with_display(node)
            node = None
        # the plain registration does not change while passes arrive
        if path is not None and not (name == "warped" and node is not None):
            _fill(stage, name, node, path, run)
    return PreviewNodes(_find(stage.scene, "warped"), _find(stage.scene, "total"))


def remove_preview(stage: Stage) -> None:
    """Remove the provisional nodes, if there are any."""
    _regions.clear()
    for node in preview_nodes(stage.scene):
        remove_with_display(node)


def preview_nodes(scene: Any) -> list[Any]:
    """Return the provisional nodes that there are."""
    found = [_find(scene, name) for name in _TITLES]
    return [node for node in found if node is not None]


def _fill(stage: Stage, name: str, node: Any, path: Path, run: str) -> None:
    try:
        image = read_stored(path)
    except InputError:  # replaced by a newer one between the message and now
        return
    values, lattice = image.values, image.lattice
    if name == "total":
        values[~_region(stage, node, run)] = np.nan
    if node is not None:
        fill(node, values, lattice)
        return
    node = add_volume(stage.scene, _TITLES[name], values, lattice)
    node.SetAttribute(ATTRIBUTE, name)
    node.SetAttribute(_RUN, run)
    node.SetSaveWithScene(False)


def _region(stage: Stage, total: Any, run: str) -> NDArray[np.bool_]:
    """Return where there is anatomy: as the map before had it, found once in the warped image."""
    if total is not None:
        return np.isfinite(array_of(total))
    if run in _regions:
        return _regions[run]
    return foreground_of(array_of(_find(stage.scene, "warped")))


def _find(scene: Any, name: str) -> Any:
    found = nodes_of_class(scene, "vtkMRMLScalarVolumeNode")
    return next((node for node in found if node.GetAttribute(ATTRIBUTE) == name), None)
