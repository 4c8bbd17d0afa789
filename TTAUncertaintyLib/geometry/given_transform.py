"""A transform that another program made: any of ITK's files, or an image of displacements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from .lattice import Lattice
from .nifti import is_nifti, read_nifti_header
from .paths import checked_path
from .stored import sha256
from .voxels import read_voxels

#: Readers of displacement fields, by the ends of their files' names.
_FIELDS = {
    (".nii", ".nii.gz"): "NiftiImageIO",
    (".nrrd", ".nhdr"): "NrrdImageIO",
    (".mha", ".mhd"): "MetaImageIO",
}

#: Displacements beyond this are a mistake, mm.
_FARTHEST_MM = 10_000.0

_SUPPORTED = (
    "Give an ITK transform (.h5, .tfm, .txt, .mat, .xfm) or a displacement field in mm (.nii, "
    ".nii.gz, .nrrd, .mha), as ANTs and elastix write them."
)

Field = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class GivenTransform:
    """A map of points, fixed world to moving world, LPS mm."""

    #: The transform; of any kind.
    itk: sitk.Transform
    #: Of its file.
    path: Path
    sha256: str
    #: What it is, in words: "B-spline", "affine, then displacement field", ...
    kind: str

    def displacement(self, lattice: Lattice) -> Field:
        """Return how far it moves every voxel of a lattice.

        Parameters
        ----------
        lattice
            In the fixed world; its axes are perpendicular.

        Returns
        -------
        ndarray
            float32 [3, D, H, W], axes (k, j, i), components (x, y, z), LPS mm.
        """
        return displacement_of(self.itk, lattice)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        return {"path": str(self.path), "sha256": self.sha256, "kind": self.kind}


def displacement_of(transform: sitk.Transform, lattice: Lattice) -> Field:
    """Return how far a transform moves every voxel of a lattice: see `GivenTransform`."""
    field = sitk.TransformToDisplacementField(
        transform,
        sitk.sitkVectorFloat64,
        list(lattice.size),
        lattice.origin.tolist(),
        lattice.spacing.tolist(),
        lattice.direction.ravel().tolist(),
    )
    values = sitk.GetArrayViewFromImage(field)
    return np.ascontiguousarray(np.moveaxis(values, -1, 0), dtype=np.float32)


def after(first: sitk.Transform, second: sitk.Transform) -> sitk.CompositeTransform:
    """Return the transform that applies one and then another."""
    both = sitk.CompositeTransform([second, first])  # ITK begins with the last
    both.FlattenTransform()  # its files hold no composites of composites
    return both


def read_given_transform(path: Path | str) -> GivenTransform:
    """Read a transform of any kind.

    Parameters
    ----------
    path
        An ITK transform file, or an image of displacements in mm. In NIfTI, vectors whose intent is
        1007 (vector) are LPS, as ANTs, elastix and all of ITK write them; those whose intent is
        1006 (displacement vector) are RAS, as the format's standard has it, and ITK reads them so.

    Raises
    ------
    InputError
        If it is missing, cannot be read, is not three-dimensional, or holds values that are no
        displacements in mm.
    """
    path = checked_path(path, "transform")
    name = path.name.lower()
    reader = next((io for ends, io in _FIELDS.items() if name.endswith(ends)), None)
    transform = _read_transform(path) if reader is None else _read_field(path, reader)
    if transform.GetDimension() != 3:
        raise InputError(f"{path} is a {transform.GetDimension()}D transform.", "Give a 3D one.")
    middle = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    if not np.isfinite(middle).all():
        raise InputError(f"{path} sends points nowhere: it holds values that are no numbers.")
    return GivenTransform(transform, path.resolve(), sha256(path), _kind(transform))


def _read_transform(path: Path) -> sitk.Transform:
    try:
        return sitk.ReadTransform(str(path))
    except RuntimeError as error:
        if _is_of_elastix(path):
            raise InputError(
                f"{path} is a parameter file of elastix, which only its own programs apply.",
                "Make a displacement field of it: transformix -def all -tp "
                f"{path.name} -out FOLDER, and give deformationField.nii.gz.",
            ) from error
        raise InputError(f"{path} cannot be read as a transform.", _SUPPORTED) from error


def _is_of_elastix(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return b"(Transform " in stream.read(1 << 16)
    except OSError:
        return False


def _read_field(path: Path, reader_name: str) -> sitk.Transform:
    if is_nifti(path):
        read_voxels(read_nifti_header(path).layout)  # ITK takes what a cut file lacks for zeros
    reader = sitk.ImageFileReader()
    reader.SetImageIO(reader_name)
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read as an image of vectors.", _SUPPORTED) from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 3:
        what = " x ".join(map(str, image.GetSize()))
        count = image.GetNumberOfComponentsPerPixel()
        raise InputError(
            f"{path} is no displacement field: it has {count} component"
            f"{'' if count == 1 else 's'} at each of {what} voxels, and not 3 in a volume.",
            "A NIfTI file has to say that it holds vectors (intent 1007, or 1006 for RAS).",
        )
    values = sitk.GetArrayViewFromImage(image)
    if not np.isfinite(values).all():
        raise InputError(f"{path} holds displacements that are no numbers (NaN or infinite).")
    farthest = float(np.abs(values).max())
    if farthest > _FARTHEST_MM:
        raise InputError(f"{path} moves points by {farthest:.3g} mm: that is no displacement.")
    return sitk.DisplacementFieldTransform(sitk.Cast(image, sitk.sitkVectorFloat64))


def _kind(transform: sitk.Transform) -> str:
    """Return what a transform is, in words, in the order in which it is applied."""
    if transform.GetTransformEnum() == sitk.sitkComposite:
        composite = sitk.CompositeTransform(transform)
        parts = [
            _kind(composite.GetNthTransform(n))
            for n in reversed(range(composite.GetNumberOfTransforms()))
        ]
        return ", then ".join(parts) or "identity"
    if transform.GetTransformEnum() == sitk.sitkDisplacementField:
        return "displacement field"
    if transform.GetTransformEnum() == sitk.sitkBSplineTransform:
        return "B-spline"
    return "linear" if transform.IsLinear() else str(transform.GetName())
