"""Images as people have them: files, SimpleITK's, nibabel's, or an array with its affine.

The background process reads files, so what lies in memory is written for it first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Union

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..geometry import Lattice, Matrix

#: What `register` takes for an image.
ImageLike = Union[str, "os.PathLike[str]", sitk.Image, "tuple[ArrayLike, ArrayLike]", Any]

#: Folder for what was in memory: its name stands in the paths of a result's record.
IN_MEMORY = "in-memory"

#: From RAS to LPS and back.
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

_FORMS = (
    "Give a path, a SimpleITK image, a nibabel image, or (array, affine): array axes (i, j, k), "
    "affine 4x4 from voxels to RAS mm, as nibabel has them."
)


def as_file(image: ImageLike, role: str, folder: Path) -> tuple[Path, str]:
    """Return the file of an image; one in memory is written first.

    Parameters
    ----------
    image
        A path (a file or a DICOM folder); a `SimpleITK.Image`; a nibabel image (anything with
        `dataobj` and `affine`); or a pair (array, affine), the array with axes (i, j, k), shape
        (ni, nj, nk), and the affine, shape (4, 4), from (i, j, k, 1) to world RAS mm. That is
        nibabel's convention; an array of SimpleITK's has the axes (k, j, i) and is not taken for
        one, so give the image itself.
    role
        What it is: "fixed", "moving", "mask". Names the file, and appears in messages.
    folder
        Where a file may be written.

    Returns
    -------
    tuple of Path and str
        The file, and how an array was understood, in words; "" otherwise.

    Raises
    ------
    InputError
        If it is none of these, or its geometry cannot be used.
    """
    if isinstance(image, (str, os.PathLike)):
        return Path(os.fspath(image)).expanduser(), ""
    understood = ""
    if isinstance(image, sitk.Image):
        volume = image
    else:
        volume, understood = _from_array(*_array_and_affine(image, role), role)
    path = folder / IN_MEMORY / f"{role}.nrrd"
    path.parent.mkdir(exist_ok=True)
    try:
        sitk.WriteImage(volume, str(path), useCompression=False)
    except RuntimeError as error:
        raise InputError(f"The {role} image cannot be handed on: {error}") from error
    return path, understood


def _array_and_affine(image: Any, role: str) -> tuple[NDArray[Any], Matrix]:
    if hasattr(image, "dataobj") and hasattr(image, "affine"):
        array, affine = np.asanyarray(image.dataobj), image.affine
    elif isinstance(image, tuple) and len(image) == 2:
        array, affine = np.asarray(image[0]), image[1]
    elif isinstance(image, np.ndarray):
        raise InputError(f"The {role} image is an array that does not say where it lies.", _FORMS)
    else:
        raise InputError(f"The {role} image is of no known kind ({type(image).__name__}).", _FORMS)
    if array.ndim != 3:
        raise InputError(
            f"The {role} image has {array.ndim} axes ({' x '.join(map(str, array.shape))}), not 3.",
            "Take one volume of it, for example array[..., 0].",
        )
    try:
        matrix = np.asarray(affine, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != (4, 4) or not np.array_equal(matrix[3], [0, 0, 0, 1]):
        raise InputError(
            f"The affine of the {role} image is not a 4x4 matrix with the last row 0 0 0 1.", _FORMS
        )
    return array, matrix


def _from_array(array: NDArray[Any], affine: Matrix, role: str) -> tuple[sitk.Image, str]:
    """Return a SimpleITK image of an array (i, j, k) and an affine to RAS mm, and a description."""
    i, j, k = array.shape
    try:
        lattice = Lattice((i, j, k), _RAS_TO_LPS @ affine)
        volume = sitk.GetImageFromArray(np.ascontiguousarray(_plain(array, role).T))
        lattice.stamp(volume)
    except ValueError as error:
        raise InputError(
            f"The affine of the {role} image cannot be used: {error}",
            "An affine with a shear has to be resampled away first.",
        ) from error
    spacing = " x ".join(f"{mm:.4g}" for mm in lattice.spacing)
    return volume, (
        f"{role}: {i} x {j} x {k} voxels (i, j, k) of {spacing} mm, which run to {_codes(affine)}"
    )


def _plain(array: NDArray[Any], role: str) -> NDArray[Any]:
    """Return values of a type that ITK has, in this machine's byte order."""
    kind = array.dtype.kind
    if kind == "b":
        return array.astype(np.uint8)
    if kind == "f":
        return array.astype(np.float32 if array.dtype.itemsize <= 4 else np.float64)
    if kind in "iu":
        return array.astype(array.dtype.newbyteorder("="))
    raise InputError(f"The {role} image holds {array.dtype}, and not one real number a voxel.")


def _codes(affine: Matrix) -> str:
    """Say which way the axes run: "R, A, S" for an upright one."""
    letters = (("L", "R"), ("P", "A"), ("I", "S"))
    axes = np.abs(affine[:3, :3]).argmax(0)
    return ", ".join(letters[axis][int(affine[axis, n] > 0)] for n, axis in enumerate(axes))
