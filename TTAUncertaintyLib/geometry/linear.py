"""Linear transforms between worlds: reading, writing, and simple starts of a registration.

A transform is a 4x4 matrix that maps points of the fixed image's world to points of the moving
image's world, LPS mm, the direction in which ITK stores the result of a registration.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from .image import Image
from .lattice import Lattice, Matrix
from .paths import checked_path


class Start(Enum):
    """Where to begin, when no transform is given."""

    HEADER = "header"  #: trust the headers: the same world position is the same place
    CENTER = "center"  #: put the middle of one field of view on the middle of the other
    MASS = "mass"  #: put one centre of mass (above the darkest value) on the other


class Prealignment(Enum):
    """Degrees of freedom of a linear alignment by optimisation, before the network."""

    NONE = "none"
    RIGID = "rigid"
    AFFINE = "affine"


def start_transform(fixed: Image, moving: Image, start: Start) -> Matrix:
    """Return the translation that a start stands for.

    Returns
    -------
    Matrix
        Shape (4, 4), fixed world to moving world, LPS mm.
    """
    matrix = np.eye(4)
    if start is Start.CENTER:
        matrix[:3, 3] = moving.lattice.center - fixed.lattice.center
    elif start is Start.MASS:
        matrix[:3, 3] = center_of_mass(moving) - center_of_mass(fixed)
    return matrix


def center_of_mass(image: Image) -> Matrix:
    """Return the centre of mass of the intensities above the darkest one, LPS mm, shape (3,)."""
    mass = (image.intensities - image.background).double().numpy()
    total = mass.sum()
    middle = []
    for axis, n in zip((2, 1, 0), image.lattice.size, strict=True):
        profile = mass.sum(axis=tuple(a for a in range(3) if a != axis))
        middle.append(float(profile @ np.arange(n)) / total)
    return image.lattice.to_world(middle)


def read_linear_transform(path: Path | str) -> Matrix:
    """Read a linear transform in one of ITK's formats (.tfm, .txt, .mat, .h5, .xfm).

    Returns
    -------
    Matrix
        Shape (4, 4), fixed world to moving world, LPS mm.

    Raises
    ------
    InputError
        If the file is missing, unreadable, not three-dimensional, not linear, or singular.
    """
    path = checked_path(path, "initial transform")
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path} cannot be read as a transform.",
            "Give an ITK transform file (.tfm, .txt, .mat or .h5).",
        ) from error
    if transform.GetDimension() != 3:
        raise InputError(f"{path} is a {transform.GetDimension()}D transform.", "Give a 3D one.")
    if not transform.IsLinear():
        raise InputError(
            f"{path} holds a deformable transform; only a linear one can start a registration.",
            "Give a rigid or affine transform.",
        )
    matrix = matrix_of(transform)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-6:
        raise InputError(f"{path} holds a transform that cannot be inverted.")
    return matrix


def matrix_of(transform: sitk.Transform) -> Matrix:
    """Return the 4x4 matrix of any linear ITK transform, from what it does to four points."""
    matrix = np.eye(4)
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    for axis in range(3):
        unit = [0.0, 0.0, 0.0]
        unit[axis] = 1.0
        matrix[:3, axis] = np.array(transform.TransformPoint(unit)) - origin
    matrix[:3, 3] = origin
    return matrix


def with_affine(
    displacement: NDArray[np.floating], lattice: Lattice, initial: Matrix
) -> NDArray[np.float64]:
    """Return v(y) = initial(y + u(y)) - y at the voxels of a lattice.

    Parameters
    ----------
    displacement
        u: axes (k, j, i, component), components (x, y, z), LPS mm.
    initial
        Shape (4, 4), affine, LPS mm.
    """
    k, j, i = np.indices(lattice.array_shape, np.float64)
    points = lattice.to_world(np.stack((i, j, k), -1))
    return (points + displacement) @ initial[:3, :3].T + initial[:3, 3] - points


def without_affine(
    vectors: NDArray[np.floating], lattice: Lattice, initial: Matrix
) -> NDArray[np.float64]:
    """Return u of which `with_affine` makes v: u(y) = initial^-1(y + v(y)) - y."""
    return with_affine(vectors, lattice, np.asarray(np.linalg.inv(initial)))


def itk_transform(matrix: Matrix) -> sitk.AffineTransform:
    """Return an ITK affine transform for a 4x4 matrix, LPS mm."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform
