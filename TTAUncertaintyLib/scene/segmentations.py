"""Structures on a lattice as one of Slicer's segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
from numpy.typing import NDArray

from ..carried.structures import Named
from ..geometry.lattice import Lattice
from .arrays import LPS_RAS, image_data, to_matrix
from .stage import Stage

#: Width of the lines on the slices, pixels.
_WIDTH = 2


def add_segmentation(
    stage: Stage,
    name: str,
    layers: Sequence[tuple[NDArray[Any], Sequence[Named]]],
    lattice: Lattice,
) -> Any:
    """Add a segmentation, hidden, of which only lines are drawn on slices.

    Parameters
    ----------
    name
        Of the node.
    layers
        Whole numbers, axes (k, j, i), and the structures whose labels they are. Structures of one
        layer do not overlap.
    lattice
        Of the layers, world LPS mm.
    """
    segmentation = slicer.vtkSegmentation()
    kind = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segmentation.SetSourceRepresentationName(kind)
    for values, structures in layers:
        image = slicer.vtkOrientedImageData()
        image.ShallowCopy(image_data(values))
        image.SetImageToWorldMatrix(to_matrix(LPS_RAS @ lattice.matrix))
        for each in structures:
            segment = slicer.vtkSegment()
            segment.SetName(each.name)
            segment.SetColor(*(part / 255 for part in each.color))
            segment.SetLabelValue(each.label)
            segment.AddRepresentation(kind, image)
            segmentation.AddSegment(segment, segment_id(each.label))
    node = stage.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    # made before the node knows it: a node looks at all segments after each that is added
    node.SetAndObserveSegmentation(segmentation)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetVisibility(False)
    display.SetVisibility3D(False)
    display.SetVisibility2DFill(False)
    display.SetSliceIntersectionThickness(_WIDTH)
    return node


def segment_id(label: int) -> str:
    """Return the ID of a label's segment, as in the files of a result."""
    return f"label_{label}"
