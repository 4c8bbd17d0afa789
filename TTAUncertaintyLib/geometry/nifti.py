"""NIfTI headers: where the voxels lie, and the two geometries of which ITK takes one.

Source: https://nifti.nimh.nih.gov/nifti-1 (nifti1.h).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .lattice import Lattice, Matrix
from .voxels import VoxelLayout

#: Types of one number a voxel, by NIfTI's code.
_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
#: Name of an sform that is a mere rotation beside another spacing, as in the public ACDC hearts.
_COMPLETED = "sform with the spacing of pixdim"
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """What is needed of a header."""

    #: Where the voxels are.
    layout: VoxelLayout
    #: The file that holds the header.
    header: Path
    #: Stored numbers times slope plus intercept are the intensities; 1 and 0 where they are them.
    slope: float
    intercept: float
    #: Voxel to world, LPS mm, shape (4, 4): "sform" and "qform", those that the header states.
    stated: dict[str, Matrix]

    def choice_between_forms(self, taken: Lattice, tolerance_mm: float) -> str:
        """Say what a person should know of the geometry that was taken; empty if nothing.

        Raises
        ------
        InputError
            If what was taken is neither of those that the header states.
        """
        if not self.stated:
            return (
                "says nothing of the patient's axes (neither qform nor sform): its voxel axes were "
                "taken for left, posterior and superior, as 3D Slicer does. Left and right may be "
                "the other way round."
            )
        apart = {
            name: taken.farthest_from(Lattice(taken.size, matrix))
            for name, matrix in self.stated.items()
        }
        name = min(apart, key=lambda form: apart[form])
        if apart[name] > tolerance_mm:
            raise InputError(
                f"{self.layout.header} contradicts itself: its spacing (pixdim) and its {name} "
                f"put voxels up to {apart[name]:.3g} mm apart.",
                "Correct the header, for example with FreeSurfer's mri_convert or nibabel.",
            )
        others = [form for form in apart if form != name and apart[form] > tolerance_mm]
        if not others and name == _COMPLETED:
            spacing = " x ".join(f"{step:.4g}" for step in taken.spacing)
            return (
                f"has an sform that turns but does not scale: the spacing of pixdim ({spacing} mm) "
                "was taken, as 3D Slicer does. Other programs read 1 mm."
            )
        if not others:
            return ""
        return (
            f"has two geometries: its {others[0]} puts voxels up to {apart[others[0]]:.1f} mm away "
            f"from its {name}. The {name} was taken, as 3D Slicer does; other programs may not."
        )


def is_nifti(path: Path) -> bool:
    """Tell by its name whether a file is a NIfTI image, single or one of a pair."""
    return path.name.lower().endswith((".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz"))


def read_nifti_header(path: Path) -> NiftiHeader:
    """Read the header of a NIfTI-1 image, compressed or not.

    Parameters
    ----------
    path
        A single file, or either one of a pair .hdr and .img.

    Raises
    ------
    InputError
        If it is none, or holds something else than one number a voxel.
    """
    file = _header_of_pair(path)
    begin, compressed = _begin(file)
    order = "<" if begin[:4] == b"\x5c\x01\0\0" else ">"
    sizeof = struct.unpack_from(f"{order}i", begin)[0] if len(begin) >= 348 else 0
    magic = begin[344:348]
    if begin[4:7] in (b"n+2", b"ni2"):
        raise InputError(
            f"{path} is a NIfTI-2 image, which is not read here.", "Save it as NIfTI-1 or NRRD."
        )
    if magic[:3] not in (b"n+1", b"ni1"):
        if sizeof == 348:
            raise InputError(
                f"{path} is an Analyze 7.5 image, whose header does not say where left and right "
                "are.",
                "Convert it to NIfTI with a program that knows how it was made.",
            )
        raise InputError(
            f"{path} cannot be read as an image: it is not a NIfTI file.",
            "Give the image itself, not another file under its name.",
        )
    fields = _Fields.of(begin, order)
    if fields.code not in _TYPES:
        kinds = {32: "complex", 1792: "complex", 128: "3 components", 2304: "4 components"}
        raise InputError(
            f"{path} holds {kinds.get(fields.code, f'voxels of type {fields.code}')} per voxel, "
            "not one plain number.",
            "Give a scalar image, for example one channel of it.",
        )
    extent = tuple(fields.extent)
    if min(extent, default=0) < 1:
        raise InputError(f"{path} has a damaged header: it has no voxels.", "Export it again.")
    file_of_voxels, packed = file, compressed
    if magic[1:2] == b"i":
        file_of_voxels = _other_of_pair(file)
        packed = _begin(file_of_voxels)[1]
    if not np.isfinite([fields.slope, fields.intercept, fields.offset]).all() or fields.offset < 0:
        raise InputError(
            f"{path} has a damaged header: its scaling or offset is no number.",
            "Correct scl_slope, scl_inter and vox_offset, or export it again.",
        )
    skip = int(fields.offset)
    layout = VoxelLayout(
        path, file_of_voxels, 0, skip, np.dtype(order + _TYPES[fields.code]), extent, packed
    )
    slope, intercept = (fields.slope, fields.intercept) if fields.slope != 0 else (1.0, 0.0)
    return NiftiHeader(layout, file, slope, intercept, fields.stated())


@dataclass(frozen=True, eq=False)
class _Fields:
    """The numbers that matter here."""

    code: int
    extent: tuple[int, ...]
    pixdim: tuple[float, ...]
    offset: float
    slope: float
    intercept: float
    forms: tuple[int, int]
    quaternion: tuple[float, ...]
    rows: tuple[float, ...]
    units: int

    @classmethod
    def of(cls, b: bytes, order: str) -> _Fields:
        rank, *extent = struct.unpack_from(f"{order}8h", b, 40)
        return cls(
            struct.unpack_from(f"{order}h", b, 70)[0],
            tuple(extent[: max(0, rank)]),
            struct.unpack_from(f"{order}8f", b, 76),
            struct.unpack_from(f"{order}f", b, 108)[0],
            struct.unpack_from(f"{order}f", b, 112)[0],
            struct.unpack_from(f"{order}f", b, 116)[0],
            struct.unpack_from(f"{order}2h", b, 252),
            struct.unpack_from(f"{order}6f", b, 256),
            struct.unpack_from(f"{order}12f", b, 280),
            b[123] & 7,
        )

    def stated(self) -> dict[str, Matrix]:
        """Return the stated voxel-to-world matrices that are usable, LPS mm."""
        found = {}
        qform_code, sform_code = self.forms
        if sform_code > 0:
            matrix = np.vstack((np.reshape(self.rows, (3, 4)), [0.0, 0.0, 0.0, 1.0]))
            spacing, name = np.abs(self.pixdim[1:4]), "sform"
            steps = np.linalg.norm(matrix[:3, :3], axis=0)
            if np.allclose(steps, 1.0, atol=1e-4) and not np.allclose(spacing, 1.0, atol=1e-4):
                matrix[:3, :3] *= spacing
                name = _COMPLETED
            found[name] = matrix
        if qform_code > 0:
            found["qform"] = self._qform()
        scale = np.diag([*[_MM_PER_UNIT.get(self.units, 1.0)] * 3, 1.0])
        found = {name: _RAS_TO_LPS @ scale @ matrix for name, matrix in found.items()}
        return {
            name: matrix
            for name, matrix in found.items()
            if np.isfinite(matrix).all() and abs(np.linalg.det(matrix[:3, :3])) > 1e-12
        }

    def _qform(self) -> Matrix:
        b, c, d, *offset = self.quaternion
        a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
        matrix = np.eye(4)
        matrix[:3, :3] = [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
        handedness = -1.0 if self.pixdim[0] < 0 else 1.0
        matrix[:3, :3] *= np.abs(self.pixdim[1:4]) * [1.0, 1.0, handedness]
        matrix[:3, 3] = offset
        return matrix


def _begin(file: Path) -> tuple[bytes, bool]:
    """Return the first bytes of a file, uncompressed, and whether it is compressed."""
    with file.open("rb") as stream:
        begin = stream.read(1 << 16)
    if not begin.startswith(b"\x1f\x8b"):
        return begin[:540], False
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(begin, 540), True
    except zlib.error:
        return b"", True


def _header_of_pair(path: Path) -> Path:
    name = path.name
    if ".img" not in name.lower():
        return path
    return _partner(path, ".img", ".hdr")


def _other_of_pair(header: Path) -> Path:
    return _partner(header, ".hdr", ".img")


def _partner(path: Path, ending: str, other: str) -> Path:
    """Return the other file of a pair, compressed or not."""
    place = path.name.lower().rfind(ending)
    for suffix in (other, other.upper(), other + ".gz"):
        partner = path.with_name(path.name[: max(0, place)] + suffix)
        if place > 0 and partner.is_file():
            return partner
    raise InputError(
        f"{path} lacks the other file of its pair, which ends in {other}.",
        "Put the two side by side under one name, or save the image as one .nii file.",
    )
