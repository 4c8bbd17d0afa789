"""The phantom as a volume in the scene."""

from __future__ import annotations

import numpy as np

from .phantom import phantom


def add_volume(name, lattice, shift_mm=(0, 0, 0)):
    """Add the phantom on a lattice (LPS) to the scene as a volume."""
    import slicer
    import slicer.util
    import vtk

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((np.diag([-1, -1, 1, 1]) @ lattice.matrix).ravel().tolist())
    node.SetIJKToRASMatrix(matrix)
    slicer.util.updateVolumeFromArray(node, phantom(lattice, shift_mm))
    return node
