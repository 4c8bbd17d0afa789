"""From the scene to files for the background process: volumes as seen, and the first guess.

Nothing in the scene is changed. Files are LPS, in mm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import SimpleITK as sitk
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..carried.structures import named, segmentation_header
from ..errors import InputError, OutputError
from ..geometry.nrrd_writer import write_nrrd
from ..models.offers import is_brain_alone
from .arrays import LPS_RAS, array_of, from_matrix, lattice_of
from .as_seen import seen
from .stage import Stage
from .structures import structures_on

#: Signs of the components between LPS and RAS.
_RAS = np.diag(LPS_RAS)[:3]

#: Seconds after which a piece of work lets others have their turn.
_STEP_S = 0.1

Known = TypeVar("Known")

#: The last checks of voxels, which take milliseconds, by node and time of change: what is wrong
#: with them, and whether they show a brain alone.
_checked: dict[tuple[str, int], str] = {}
_brains: dict[tuple[str, int], bool | None] = {}


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
    problem = _once(_checked, volume, lambda: _problem_with_voxels(volume))
    return f"{name} {problem}" if problem else ""


def shows_brain(volume: Any) -> bool | None:
    """Tell whether a volume shows a brain alone; None without one that can be registered.

    Cheap like `problem_with`.
    """
    if volume is None or problem_with(volume):
        return None
    return _once(_brains, volume, lambda: is_brain_alone(array_of(volume), lattice_of(volume)))


def _once(known: dict[tuple[str, int], Known], volume: Any, find: Callable[[], Known]) -> Known:
    """Return what was found of a volume's voxels, as long as they stay as they are."""
    key = (volume.GetID() or volume.GetName(), volume.GetImageData().GetMTime())
    if key not in known:
        if len(known) > 16:
            known.clear()
        known[key] = find()
    return known[key]


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
    _write(volume, path, lambda: sitk.WriteImage(image, str(path)))


def write_labels(stage: Stage, labels: Any, volume: Any, path: Path | str) -> None:
    """Write labels that were drawn on a volume, on the voxels that `write_volume` writes of it.

    Parameters
    ----------
    stage
        With the nodes.
    labels
        vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode, under any transforms.
    volume
        As in `write_volume`.
    path
        A segmentation of Slicer's (.seg.nrrd), with names and colours.

    Raises
    ------
    InputError
        If nothing of them lies on the volume.
    OutputError
        If the file cannot be written.
    """
    found = structures_on(stage, labels, volume)
    known = {label: (name, found.colors.get(label)) for label, name in found.names.items()}
    header = segmentation_header(named(known, known), found.lattice.size)
    whole = np.uint16 if found.labels.max() <= np.iinfo(np.uint16).max else np.uint32
    values = (found.labels.astype(whole),)
    _write(labels, path, lambda: write_nrrd(Path(path), values, found.lattice, header))


def write_transform(transform: Any, volume: Any, path: Path | str) -> Iterator[None]:
    """Write a transform of any kind, fixed to moving world, LPS mm, a bit at a time.

    What is not linear is written as the displacement of each of the fixed volume's voxels, as
    Slicer has it there: no other program interpolates its grids and splines in the same way.

    Parameters
    ----------
    transform
        Transform node, taken as in `write_linear_transform`.
    volume
        The fixed one, as in `write_volume`.
    path
        A file that ends in .tfm for a linear transform, else in .nrrd: see `transform_suffix`.

    Raises
    ------
    InputError
        If it cannot be inverted somewhere.
    OutputError
        If the file cannot be written.
    """
    if transform.IsTransformToWorldLinear():
        write_linear_transform(transform, path)
        return
    _, lattice = seen(volume)
    to_moving = vtk.vtkGeneralTransform()
    transform.GetTransformFromWorld(to_moving)
    size_i, size_j, size_k = lattice.size
    field = np.empty((size_k, size_j, size_i, 3), np.float32)
    j, i = np.meshgrid(np.arange(size_j), np.arange(size_i), indexing="ij")
    began = time.monotonic()
    for k in range(size_k):
        fixed = lattice.to_world(np.stack((i, j, np.full_like(i, k)), -1).reshape(-1, 3))
        here, there = vtk.vtkPoints(), vtk.vtkPoints()
        here.SetData(numpy_to_vtk(np.ascontiguousarray(fixed * _RAS)))
        there.SetDataTypeToDouble()
        to_moving.TransformPoints(here, there)
        field[k] = (vtk_to_numpy(there.GetData()) * _RAS - fixed).reshape(size_j, size_i, 3)
        if time.monotonic() - began > _STEP_S:
            yield
            began = time.monotonic()
    if not np.isfinite(field).all():
        raise InputError(
            f"{transform.GetName()} cannot be inverted everywhere.",
            "Choose another transform, or the network's registration.",
        )
    _write(transform, path, lambda: write_nrrd(Path(path), (field,), lattice, {}, compress=False))


def transform_suffix(transform: Any) -> str:
    """Return the end of the file that `write_transform` writes a transform to."""
    return ".tfm" if transform.IsTransformToWorldLinear() else ".nrrd"


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
    _write(transform, path, lambda: sitk.WriteTransform(affine, str(path)))


def _write(node: Any, path: Path | str, write: Callable[[], None]) -> None:
    try:
        write()
    except (RuntimeError, OSError) as error:
        raise OutputError(
            f"{node.GetName()} could not be written to {path}.",
            "Free some space, or choose another folder for results.",
        ) from error
