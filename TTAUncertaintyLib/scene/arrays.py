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

    Parameters
    ----------
    values, lattice
        As in `fill`.
    labels
        Make it a label map.
    """
    kind = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
    volume = scene.AddNewNodeByClass(kind, name)
    fill(volume, values, lattice)
    volume.CreateDefaultDisplayNodes()
    return volume


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
