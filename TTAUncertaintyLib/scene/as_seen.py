"""A volume as the person sees it: in the world, with every transform that it lies under.

Where its axes are perpendicular in the world, the voxels stay untouched and only their place
changes. Where they are not (a shear, a non-linear transform, the slanted slices of a tilted
scanner) the volume is resampled: onto a lattice with its own spacing and nearest perpendicular
axes, as large as what is seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from ..geometry.lattice import Lattice
from .arrays import LPS_RAS, array_of, from_matrix, lattice_of, to_matrix

#: Points along each axis at which a non-linear transform is asked how far a volume reaches.
_PROBES = 12


def seen(volume: Any) -> tuple[NDArray[Any], Lattice]:
    """Return a volume's voxels, axes (k, j, i), and where they lie in the world, LPS mm.

    Parameters
    ----------
    volume
        vtkMRMLScalarVolumeNode; it is not changed. The array may be a view of its voxels.
    """
    lattice = lattice_of(volume)
    parent = volume.GetParentTransformNode()
    if parent is None or parent.IsTransformToWorldLinear():
        matrix = vtk.vtkMatrix4x4()
        if parent is not None:
            parent.GetMatrixTransformToWorld(matrix)
        moved = lattice.transformed(LPS_RAS @ from_matrix(matrix) @ LPS_RAS)
        if moved.is_orthogonal:
            return array_of(volume), moved
    target = _reach(volume, lattice)
    return resampled(volume, target), target


def resampled(volume: Any, lattice: Lattice, nearest: bool = False) -> NDArray[Any]:
    """Sample a volume, as seen in the world, on a lattice.

    Parameters
    ----------
    volume
        vtkMRMLScalarVolumeNode or label map; its parent transforms count.
    lattice
        World, LPS mm.

    Returns
    -------
    ndarray
        Axes (k, j, i), the volume's own type; its smallest value outside (labels: 0).
    """
    # Everything happens in voxels: the lattice's voxels -> world -> the volume's frame -> its own.
    to_own_voxels = lattice_of(volume).inverse @ LPS_RAS
    chain = vtk.vtkGeneralTransform()
    chain.PostMultiply()
    chain.Concatenate(to_matrix(LPS_RAS @ lattice.matrix))
    chain.Concatenate(_from_world(volume))
    chain.Concatenate(to_matrix(to_own_voxels))
    bare = vtk.vtkImageData()
    bare.ShallowCopy(volume.GetImageData())
    bare.SetSpacing(1, 1, 1)
    bare.SetOrigin(0, 0, 0)
    reslice = vtk.vtkImageReslice()
    reslice.SetInputData(bare)
    reslice.SetResliceTransform(chain)
    reslice.SetOutputSpacing(1, 1, 1)
    reslice.SetOutputOrigin(0, 0, 0)
    i, j, k = lattice.size
    reslice.SetOutputExtent(0, i - 1, 0, j - 1, 0, k - 1)
    if nearest:
        reslice.SetInterpolationModeToNearestNeighbor()
    else:
        reslice.SetInterpolationModeToLinear()
        reslice.SetBackgroundLevel(bare.GetScalarRange()[0])
    reslice.Update()
    scalars = reslice.GetOutput().GetPointData().GetScalars()
    return vtk_to_numpy(scalars).reshape(lattice.array_shape)


def _from_world(volume: Any) -> Any:
    """Return the transform from the world to the volume's own frame, RAS."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        None, volume.GetParentTransformNode(), transform
    )
    return transform


def _reach(volume: Any, lattice: Lattice) -> Lattice:
    """Return the lattice with a volume's axes and spacing that holds it as seen in the world.

    Axes that are not perpendicular are replaced by the nearest ones that are.
    """
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        volume.GetParentTransformNode(), None, to_world
    )
    ticks = [np.linspace(-0.5, n - 0.5, _PROBES) for n in lattice.size]
    probes = np.stack(np.meshgrid(*ticks, indexing="ij"), -1).reshape(-1, 3)
    own = lattice.to_world(probes) * [-1, -1, 1]
    world = np.array([to_world.TransformPoint(point) for point in own]) * [-1, -1, 1]
    upright = Lattice.from_geometry(lattice.size, lattice.spacing, lattice.origin, lattice.axes)
    voxels = upright.to_voxel(world)
    first = np.floor(voxels.min(axis=0) + 0.5)
    last = np.ceil(voxels.max(axis=0) - 0.5)
    matrix = np.array(upright.matrix)
    matrix[:3, 3] = upright.to_world(first)
    i, j, k = (int(n) for n in last - first + 1)
    return Lattice((i, j, k), matrix)
