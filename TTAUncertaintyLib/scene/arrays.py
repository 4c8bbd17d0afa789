"""Between arrays on lattices (LPS, axes k j i) and Slicer's volume nodes (RAS)."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import get_vtk_array_type, numpy_to_vtk, vtk_to_numpy

from ..geometry.lattice import Lattice

#: Changes LPS to RAS and back, shape (4, 4).
LPS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

#: Percentiles of an image that are black and white, and about how many voxels along each axis are
#: looked at for them.
_GREYS = (0.1, 99.9)
_SAMPLED = 24


def to_matrix(values: NDArray[np.float64]) -> Any:
    """Return a vtkMatrix4x4 with the values of a (4, 4) array."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(values, dtype=float).ravel().tolist())
    return matrix


def from_matrix(matrix: Any) -> NDArray[np.float64]:
    """Return a vtkMatrix4x4 as an array, shape (4, 4)."""
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def image_data(values: NDArray[Any]) -> Any:
    """Return a vtkImageData of a scalar array with axes (k, j, i); it keeps the array alive."""
    values = np.ascontiguousarray(values)
    image = vtk.vtkImageData()
    image.SetDimensions(*values.shape[::-1])
    scalars = numpy_to_vtk(values.ravel(), array_type=get_vtk_array_type(values.dtype))
    scalars.SetName("ImageScalars")
    image.GetPointData().SetScalars(scalars)
    return image


def array_of(volume: Any) -> NDArray[Any]:
    """Return a volume node's voxels, axes (k, j, i): a view, not to be written to."""
    image = volume.GetImageData()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def lattice_of(volume: Any) -> Lattice:
    """Return where a volume node's voxels lie in its own frame (parent transforms left out)."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return Lattice(volume.GetImageData().GetDimensions(), LPS_RAS @ from_matrix(matrix))


def fill(volume: Any, values: NDArray[Any], lattice: Lattice) -> None:
    """Give a volume node new voxels and their place.

    Parameters
    ----------
    volume
        vtkMRMLScalarVolumeNode.
    values
        Axes (k, j, i).
    lattice
        Of the values, world LPS mm.
    """
    held = volume.StartModify()
    volume.SetIJKToRASMatrix(to_matrix(LPS_RAS @ lattice.matrix))
    volume.SetAndObserveImageData(image_data(values))
    volume.EndModify(held)


def add_volume(
    scene: Any, name: str, values: NDArray[Any], lattice: Lattice, labels: bool = False
) -> Any:
    """Add a volume node with a display node.

    The grey window is set from a sample of the values: Slicer's own looks at all of them, again and
    again, which takes longer than everything else.
    """
    kind = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
    volume = scene.AddNewNodeByClass(kind, name)
    volume.CreateDefaultDisplayNodes()  # before there are values to be looked at
    if not labels:
        display = volume.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(*_window(values))
    fill(volume, values, lattice)
    return volume


def _window(values: NDArray[Any]) -> tuple[float, float]:
    """Return the values at both ends of the greys: nearly all of them lie between."""
    some = values[tuple(slice(None, None, max(1, n // _SAMPLED)) for n in values.shape)]
    some = some[np.isfinite(some)]
    if not some.size:
        return 0.0, 1.0
    low, high = np.percentile(some, _GREYS)
    return float(low), float(high) if high > low else float(low) + 1.0


__all__ = [
    "LPS_RAS",
    "add_volume",
    "array_of",
    "fill",
    "from_matrix",
    "image_data",
    "lattice_of",
    "to_matrix",
]
