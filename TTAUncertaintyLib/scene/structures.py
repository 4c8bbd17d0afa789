"""Structures of the fixed image, from a segmentation or a label map, on the voxels of a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..carried.structures import Color
from ..errors import InputError
from ..geometry.lattice import Lattice
from .arrays import add_volume, array_of
from .as_seen import resampled, seen
from .result import remove_with_display
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
    #: Of the labels, as far as they have some of their own: red, green, blue, 0 to 255.
    colors: dict[int, Color] = field(default_factory=dict)


def structures_on(
    stage: Stage, node: Any, volume: Any, segments: Sequence[str] | None = None
) -> Structures:
    """Bring structures onto a volume's voxels.

    Parameters
    ----------
    node
        vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode, under any transforms.
    volume
        Its voxels are the target, as the volume is seen in the world.
    segments
        IDs of the segments of a segmentation that are wanted; None for all.

    Raises
    ------
    InputError
        If it is another kind of node, or nothing of it lies on the volume.
    """
    _, lattice = seen(volume)
    if node.IsA("vtkMRMLSegmentationNode"):
        found = _of_segmentation(stage, node, lattice, segments)
    elif node.IsA("vtkMRMLLabelMapVolumeNode"):
        found = _of_label_map(node, lattice)
    else:
        raise InputError(f"{node.GetName()} is neither a segmentation nor a label map.")
    if not found.labels.any():
        raise InputError(
            f"Nothing of {node.GetName()} lies on {volume.GetName()}.",
            f"Choose structures that were drawn on {volume.GetName()}, or lie where it lies.",
        )
    return found


def _of_segmentation(
    stage: Stage, node: Any, lattice: Lattice, wanted: Sequence[str] | None
) -> Structures:
    scene, segments = stage.scene, node.GetSegmentation()
    scratch = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "scratch")
    target = add_volume(scene, "target", np.zeros(lattice.array_shape, np.uint8), lattice)
    labels = np.zeros(lattice.array_shape, np.int16)
    ids: list[str] = list(segments.GetSegmentIDs() if wanted is None else wanted)
    try:
        stage.logic("Segmentations").ExportSegmentsToLabelmapNode(node, ids, scratch, target)
        if scratch.GetImageData() is not None:
            labels = np.array(array_of(scratch))
    finally:
        display = scratch.GetDisplayNode()
        colors = None if display is None else display.GetColorNode()
        for own in (scratch, target):
            remove_with_display(own)
        if colors is not None and not colors.GetSingletonTag():
            scene.RemoveNode(colors)
    # exported in the order of the segments, from 1 on
    found = [segments.GetSegment(each) for each in ids]
    return Structures(
        labels,
        lattice,
        {n: segment.GetName() for n, segment in enumerate(found, 1)},
        {n: _bytes(segment.GetColor()) for n, segment in enumerate(found, 1)},
    )


def _of_label_map(node: Any, lattice: Lattice) -> Structures:
    labels = resampled(node, lattice, nearest=True)
    if labels.dtype.kind == "f":
        labels = np.rint(labels).astype(np.int32)
    table = _own_colors(node)
    present = [int(label) for label in np.unique(labels) if label != 0]
    names = {label: _name(table, label) for label in present}
    return Structures(labels, lattice, names, {} if table is None else _colors(table, present))


#: Tables that Slicer gives to any label map: their names ("bone", "Peach") say nothing about it.
_ANYBODYS_TABLES = ("GenericColors", "Labels")


def _own_colors(node: Any) -> Any:
    """Return a label map's colour table; None where it has none of its own."""
    display = node.GetDisplayNode()
    colors = None if display is None else display.GetColorNode()
    return None if colors is None or colors.GetName() in _ANYBODYS_TABLES else colors


def _name(colors: Any, label: int) -> str:
    """Return a label's name in a colour table; a plain one where the table has none."""
    name = "" if colors is None else colors.GetColorName(label)
    return name if name and name not in ("(none)", str(label)) else f"Label {label}"


def _colors(table: Any, labels: list[int]) -> dict[int, Color]:
    found, color = {}, [0.0] * 4
    for label in labels:
        if table.GetColor(label, color):
            found[label] = _bytes(color)
    return found


def _bytes(color: Sequence[float]) -> Color:
    red, green, blue = (round(255 * part) for part in color[:3])
    return red, green, blue
