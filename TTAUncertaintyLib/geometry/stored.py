"""The one door for images: a file or a DICOM folder, checked, as it is stored.

Everything here that opens an image of anybody's goes through `read_stored`: what a header
announces is held against what is there, and what ITK would read wrongly is refused or told.
Works without torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from .dicom import TOLERANCE_VOXELS, find_series
from .lattice import Lattice
from .metaimage import read_metaimage_header
from .nifti import is_nifti, read_nifti_header
from .nrrd import read_nrrd_header
from .paths import checked_path
from .voxels import VoxelLayout, read_voxels

sitk.ProcessObject.GlobalWarningDisplayOff()

#: Voxel spacings outside this range, mm, are taken for a mistake in the file's header.
SPACING_RANGE_MM = (0.01, 50.0)

_SUPPORTED = "NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr), MetaImage (.mha, .mhd) or a DICOM folder"
_KINDS = {"u": "unsigned integer", "i": "signed integer", "f": "float"}


@dataclass(frozen=True, eq=False)
class StoredImage:
    """An image as it is stored, NaN and all."""

    #: Axes (k, j, i), in the type of the file; float32 where its header scales them.
    values: NDArray[Any]
    #: LPS mm; its axes are perpendicular.
    lattice: Lattice
    #: All that it was read from: the header first, slices in their order.
    files: tuple[Path, ...]
    #: What a person should know of it, each a sentence that begins after the image's name.
    notes: tuple[str, ...] = ()

    @property
    def pixel_type(self) -> str:
        """The type of the values in ITK's words, as in "16-bit signed integer"."""
        kind = self.values.dtype
        return f"{8 * kind.itemsize}-bit {_KINDS[kind.kind]}"

    def to_itk(self) -> sitk.Image:
        """Return a SimpleITK image."""
        return self.lattice.stamp(sitk.GetImageFromArray(self.values))


def read_stored(path: Path | str, series_uid: str | None = None) -> StoredImage:
    """Read a three-dimensional scalar image as it is stored.

    Parameters
    ----------
    path
        A NIfTI, NRRD or MetaImage file, or a folder with one DICOM series.
    series_uid
        Which series, where a DICOM folder holds several.

    Raises
    ------
    InputError
        If the path is missing, or not of these kinds; if the file is truncated or damaged; if the
        image is not three-dimensional or not scalar; or if its geometry is absurd, contradicts
        itself, or is none that a regular lattice can hold.
    ResourceError
        If it needs more memory than there is.
    """
    path = checked_path(path)
    if path.is_dir():
        series = find_series(path, series_uid)
        _check_spacing(path, series.lattice)
        return StoredImage(series.read(), series.lattice, tuple(series.files))
    read = _Header.of(path)
    lattice = _lattice_of(path, read)
    notes = [read.note]
    if read.nifti is not None:
        notes.append(
            read.nifti.choice_between_forms(lattice, TOLERANCE_VOXELS * lattice.spacing.min())
        )
    values, after = read_voxels(read.layout)
    values = values.reshape(lattice.array_shape)
    if after:
        notes.append(f"holds {after} bytes more than its header announces; they were left out.")
    if read.nifti is not None:
        values = _scaled(values, read.nifti.slope, read.nifti.intercept)
    return StoredImage(values, lattice, read.files, tuple(note for note in notes if note))


def read_stored_labels(path: Path | str) -> StoredImage:
    """Read a label map or mask as it is stored: see `read_stored`.

    Raises
    ------
    InputError
        As `read_stored`; also where a voxel is not a whole number from 0 to 2^24, beyond which
        float32 leaves numbers out.
    """
    stored = read_stored(path)
    values = stored.values
    with np.errstate(invalid="ignore"):
        whole = values.dtype.kind in "ui" or bool((values == np.round(values)).all())
    if not whole or values.min() < 0 or values.max() > 1 << 24:
        raise InputError(
            f"{path} is not a label map: labels are whole numbers from 0 up, of at most 2^24.",
            "Give a mask or segmentation, not an intensity image.",
        )
    return stored


def read_lattice(path: Path | str, series_uid: str | None = None) -> Lattice:
    """Return where the voxels of an image lie, LPS mm; the voxels are not read.

    Raises
    ------
    InputError
        As `read_stored`, as far as headers tell.
    """
    path = checked_path(path)
    if path.is_dir():
        lattice = find_series(path, series_uid).lattice
        _check_spacing(path, lattice)
        return lattice
    return _lattice_of(path, _Header.of(path))


def read_vectors(path: Path) -> tuple[NDArray[Any], Lattice]:
    """Read a field of vectors with three components, NRRD, as it is stored.

    Returns
    -------
    values
        Axes (k, j, i, component).
    lattice
        LPS mm.

    Raises
    ------
    InputError
        If it is none, or is damaged.
    """
    path = checked_path(path)
    layout, _ = read_nrrd_header(path)
    reader = _itk_header(path, layout, "NrrdImageIO")
    if reader.GetNumberOfComponents() != 3 or len(layout.extent) != 4 or layout.extent[0] != 3:
        raise InputError(f"{path} is no field of vectors with three components.")
    lattice = Lattice.from_geometry(
        tuple(reader.GetSize()), reader.GetSpacing(), reader.GetOrigin(), reader.GetDirection()
    )
    return read_voxels(layout)[0], lattice


def files_of(path: Path | str, series_uid: str | None = None) -> tuple[Path, ...]:
    """Return all files that an image is read from; the voxels are not read.

    Raises
    ------
    InputError
        As `read_stored`, as far as headers tell.
    """
    path = checked_path(path)
    if path.is_dir():
        return tuple(find_series(path, series_uid).files)
    return _Header.of(path).files


def sha256(*files: Path) -> str:
    """Return the SHA-256 of the bytes of some files, one after the other, as hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def image_sha256(path: Path | str, series_uid: str | None = None) -> str:
    """Return the SHA-256 of all files that an image is read from: see `files_of`."""
    return sha256(*files_of(path, series_uid))


@dataclass(frozen=True, eq=False)
class _Header:
    """What the header of a file says: in our words, and in ITK's."""

    layout: VoxelLayout
    itk: sitk.ImageFileReader
    files: tuple[Path, ...]
    nifti: Any = None
    note: str = ""

    @classmethod
    def of(cls, path: Path) -> _Header:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes).", "Export or download it again.")
        nifti, note, name, header = None, "", path.name.lower(), path
        try:
            if is_nifti(path):
                nifti = read_nifti_header(path)
                layout, header, image_io = nifti.layout, nifti.header, "NiftiImageIO"
            elif name.endswith((".nrrd", ".nhdr")):
                (layout, note), image_io = read_nrrd_header(path), "NrrdImageIO"
            elif name.endswith((".mha", ".mhd")):
                layout, image_io = read_metaimage_header(path), "MetaImageIO"
            else:
                raise _unsupported(path)
        except OSError as error:
            raise InputError(f"{path} may not be read.", "Check its permissions.") from error
        files = (header,) if layout.file == header else (header, layout.file)
        itk = _itk_header(path, layout, image_io)
        _check_scalar(path, itk)
        return cls(layout, itk, files, nifti, note)


def _unsupported(path: Path) -> InputError:
    with path.open("rb") as stream:
        is_dicom = stream.read(132)[128:] == b"DICM"
    if is_dicom:
        return InputError(
            f"{path} is a single DICOM file.",
            "Give the folder that holds all slices; convert a multi-frame file with dcm2niix.",
        )
    return InputError(f"{path} cannot be read as an image here.", f"Give {_SUPPORTED}.")


def _itk_header(path: Path, layout: VoxelLayout, image_io: str) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    # named: ITK would else try every format, HDF5 too, which no two threads may use at a time
    reader.SetImageIO(image_io)
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise _sheared(path) from error
        read_voxels(layout)  # has a better word where the file is damaged
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError(
            f"{path} cannot be read as an image: {lines[-1] if lines else type(error).__name__}",
            f"Give {_SUPPORTED}.",
        ) from error
    return reader


def _check_scalar(path: Path, reader: sitk.ImageFileReader) -> None:
    count = reader.GetNumberOfComponents()
    pixel = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if count > 1 or "complex" in pixel:
        raise InputError(
            f"{path} has {count} components per voxel ({pixel}), not one.",
            "Give a scalar image, for example one channel of it.",
        )


def _volume_extent(path: Path, extent: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the three sizes of a volume; a fourth axis of one volume is left out."""
    words = " x ".join(map(str, extent))
    if len(extent) > 3 and max(extent[3:]) > 1:
        raise InputError(
            f"{path} is {'four' if len(extent) == 4 else 'more than four'}-dimensional ({words}).",
            "Extract the one volume that is to be registered.",
        )
    if len(extent) < 3 or min(extent[:3]) < 2:
        raise InputError(
            f"{path} is a flat image ({words}), not a volume.",
            "Give a three-dimensional image; for DICOM, the folder that holds all slices.",
        )
    return extent[0], extent[1], extent[2]


def _lattice_of(path: Path, read: _Header) -> Lattice:
    """Return the lattice that ITK reads, with its axes made perpendicular where they nearly are."""
    size = _volume_extent(path, read.layout.extent)
    rank = len(read.itk.GetSize())
    if tuple(read.itk.GetSize())[:3] != size:
        raise InputError(
            f"{path} has a header that is not understood: its size may be "
            f"{' x '.join(map(str, size))} or {' x '.join(map(str, read.itk.GetSize()))}.",
            "Save it again, for example with 3D Slicer.",
        )
    spacing = np.array(read.itk.GetSpacing())[:3]
    direction = np.array(read.itk.GetDirection()).reshape(rank, rank)[:3, :3]
    try:
        lattice = Lattice.from_geometry(size, spacing, read.itk.GetOrigin()[:3], direction)
    except ValueError as error:
        raise InputError(
            f"{path} has no usable orientation: {error}",
            "Correct the direction or the qform/sform in its header.",
        ) from error
    _check_spacing(path, lattice)
    straight = lattice.straightened()
    apart = lattice.farthest_from(straight)
    if apart > TOLERANCE_VOXELS * lattice.spacing.min():
        raise _sheared(path, f": a shear that moves voxels by up to {apart:.2g} mm")
    return lattice if lattice.is_orthogonal else straight


def _sheared(path: Path, how: str = " (a shear)") -> InputError:
    return InputError(
        f"{path} has a header whose axes are not perpendicular{how}, which ITK cannot represent.",
        "Resample it onto a plain grid first, for example with 3D Slicer.",
    )


def _check_spacing(path: Path, lattice: Lattice) -> None:
    low, high = SPACING_RANGE_MM
    spacing = lattice.spacing
    if not np.isfinite(spacing).all() or (spacing < low).any() or (spacing > high).any():
        raise InputError(
            f"{path} has a voxel spacing of {' x '.join(f'{s:g}' for s in spacing)} mm, outside "
            f"{low:g} to {high:g} mm.",
            "Correct the spacing in its header; it is expected in millimetres.",
        )


def _scaled(values: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Return intensities; computed in float64, slice by slice, and kept in float32."""
    if (slope, intercept) == (1.0, 0.0):
        return values
    scaled = np.empty(values.shape, np.float32)
    for k, slice_ in enumerate(values):
        scaled[k] = slice_.astype(np.float64) * slope + intercept
    return scaled
