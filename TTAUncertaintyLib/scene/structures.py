"""Structures of the fixed image, from a segmentation or a label map, on the voxels of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.lattice import Lattice
from .arrays import array_of, lattice_of
from .as_seen import resampled, seen
from .stage import Stage


@dataclass(frozen=True, eq=False)
class Structures:
    """Which structure each voxel belongs to."""

    #: Integers, axes (k, j, i); 0 is none. Where segments overlap, the last one counts.
    labels: NDArray[Any]
    #: Of the labels, world LPS mm.
    lattice: Lattice
    #: Of the labels, in ascending order.
    names: dict[int, str]


def structures_on(stage: Stage, node: Any, volume: Any) -> Structures:
    """Bring structures onto a volume's voxels.

    Parameters
    ----------
    node
        vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode, under any transforms.
    volume
        Its voxels are the target; under no transform (a result's warped volume).

    Raises
    ------
    InputError
        If it is another kind of node, or nothing of it lies on the volume.
    """
    if node.IsA("vtkMRMLSegmentationNode"):
        found = _of_segmentation(stage, node, volume)
    elif node.IsA("vtkMRMLLabelMapVolumeNode"):
        found = _of_label_map(node, volume)
    else:
        raise InputError(f"{node.GetName()} is neither a segmentation nor a label map.")
    if not found.labels.any():
        raise InputError(
            f"Nothing of {node.GetName()} lies on {volume.GetName()}.",
            "Choose structures that were drawn on the fixed image.",
        )
    return found


def _of_segmentation(stage: Stage, node: Any, volume: Any) -> Structures:
    scene = stage.scene
    scratch = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "scratch")
    try:
        ids: list[str] = list(node.GetSegmentation().GetSegmentIDs())
        stage.logic("Segmentations").ExportSegmentsToLabelmapNode(node, ids, scratch, volume)
        if scratch.GetImageData() is None:
            return Structures(np.zeros(array_of(volume).shape, np.int16), lattice_of(volume), {})
        labels = np.array(array_of(scratch))
    finally:
        display = scratch.GetDisplayNode()
        scene.RemoveNode(scratch)
        if display is not None:
            colors = display.GetColorNode()
            scene.RemoveNode(display)
            if colors is not None and not colors.GetSingletonTag():
                scene.RemoveNode(colors)
    # exported in the order of the segments, from 1 on
    names = {n: node.GetSegmentation().GetSegment(i).GetName() for n, i in enumerate(ids, 1)}
    return Structures(labels, lattice_of(volume), names)


def _of_label_map(node: Any, volume: Any) -> Structures:
    _, lattice = seen(volume)
    labels = resampled(node, lattice, nearest=True)
    if labels.dtype.kind == "f":
        labels = np.rint(labels).astype(np.int32)
    display = node.GetDisplayNode()
    colors = None if display is None else display.GetColorNode()
    names = {int(label): _name(colors, int(label)) for label in np.unique(labels) if label != 0}
    return Structures(labels, lattice, names)


#: Tables that Slicer gives to any label map: their names ("bone", "Peach") say nothing about it.
_ANYBODYS_TABLES = ("GenericColors", "Labels")


def _name(colors: Any, label: int) -> str:
    """Return a label's name in a colour table; a plain one where the table has none of its own."""
    own = colors is not None and colors.GetName() not in _ANYBODYS_TABLES
    name = colors.GetColorName(label) if own else ""
    return name if name and name not in ("(none)", str(label)) else f"Label {label}"
