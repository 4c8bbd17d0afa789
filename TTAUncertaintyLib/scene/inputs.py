"""From the scene to files for the background process: volumes as seen, and the first guess.

Nothing in the scene is changed. Files are LPS, in mm.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import vtk

from ..errors import InputError, OutputError
from .arrays import LPS_RAS, array_of, from_matrix
from .as_seen import seen

#: Remembers the last checks of voxels, which take milliseconds, by node and time of change.
_checked: dict[tuple[str, int], str] = {}


def problem_with(volume: Any) -> str:
    """Say why a volume cannot be registered, and what to do; empty if it can.

    Cheap enough to be asked after every change in a panel: voxels are looked at once.
    """
    name = volume.GetName()
    image = volume.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return f"{name} has no voxels: choose a volume that was loaded."
    if image.GetNumberOfScalarComponents() != 1:
        return (
            f"{name} is a colour or vector volume: convert it to a scalar one first "
            "(module Vector To Scalar Volume)."
        )
    if min(image.GetDimensions()) < 2:
        return f"{name} is a single slice: registration needs a volume."
    key = (volume.GetID() or name, image.GetMTime())
    if key not in _checked:
        if len(_checked) > 16:
            _checked.clear()
        _checked[key] = _problem_with_voxels(volume)
    problem = _checked[key]
    return f"{name} {problem}" if problem else ""


def _problem_with_voxels(volume: Any) -> str:
    values = array_of(volume)
    # a sum is finite only if every voxel is; overflow needs values that no image has
    if values.dtype.kind == "f" and not np.isfinite(values.sum(dtype=np.float64)):
        return "has voxels that are not numbers: fill them first."
    low, high = volume.GetImageData().GetScalarRange()
    return "has the same value everywhere: choose another volume." if low == high else ""


def write_volume(volume: Any, path: Path | str) -> None:
    """Write a volume as the person sees it.

    Parameters
    ----------
    volume
        vtkMRMLScalarVolumeNode, under any transforms; it is not changed.
    path
        NRRD file (LPS mm).

    Raises
    ------
    InputError
        If it cannot be registered, see `problem_with`.
    OutputError
        If the file cannot be written.
    """
    problem = problem_with(volume)
    if problem:
        raise InputError(problem)
    values, lattice = seen(volume)
    image = lattice.stamp(sitk.GetImageFromArray(values))
    try:
        sitk.WriteImage(image, str(path))
    except RuntimeError as error:
        raise OutputError(
            f"{volume.GetName()} could not be written to {path}.",
            "Free some space, or choose another folder for results.",
        ) from error


def write_linear_transform(transform: Any, path: Path | str) -> None:
    """Write a first guess as an ITK transform, fixed to moving world, LPS mm.

    Parameters
    ----------
    transform
        Linear transform node. It is taken as Slicer's Transforms module shows it: applied to the
        moving volume, it brings this volume onto the fixed one. ITK's maps the other way.

    Raises
    ------
    InputError
        If it is not linear, or not invertible.
    OutputError
        If the file cannot be written.
    """
    name = transform.GetName()
    if not transform.IsTransformToWorldLinear():
        raise InputError(f"{name} is not linear.", "Choose a linear transform, or none.")
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    moving_to_fixed = LPS_RAS @ from_matrix(matrix) @ LPS_RAS
    if abs(np.linalg.det(moving_to_fixed[:3, :3])) < 1e-9:
        raise InputError(f"{name} cannot be inverted.", "Choose another transform, or none.")
    fixed_to_moving = np.linalg.inv(moving_to_fixed)
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(fixed_to_moving[:3, :3].ravel().tolist())
    affine.SetTranslation(fixed_to_moving[:3, 3].tolist())
    try:
        sitk.WriteTransform(affine, str(path))
    except RuntimeError as error:
        raise OutputError(
            f"{name} could not be written to {path}.",
            "Free some space, or choose another folder for results.",
        ) from error
