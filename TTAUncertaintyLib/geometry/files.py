"""Reading images from files and folders, with a clear word about those that cannot be used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..errors import InputError
from .image import Image
from .lattice import Lattice
from .nifti import inspect_nifti, is_nifti

sitk.ProcessObject.GlobalWarningDisplayOff()

#: Voxel spacings outside this range, mm, are taken for a mistake in the file's header.
SPACING_RANGE_MM = (0.01, 50.0)

_SUPPORTED = "NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr), MetaImage (.mha, .mhd) or a DICOM folder"


@dataclass(frozen=True)
class ImageFile:
    """Where an image came from, for the provenance of a result.

    Parameters
    ----------
    path
        Absolute path of the file or DICOM folder.
    sha256
        Of the file; of a DICOM series, of its files' bytes in slice order.
    pixel_type
        As stored, in ITK's words.
    lattice
        As stored, LPS mm.
    nonfinite_replaced
        Voxels that held NaN or infinity and were replaced on request.
    name
        What the image is called where it was taken from; empty where that is its file's name.
    """

    path: Path
    sha256: str
    pixel_type: str
    lattice: Lattice
    nonfinite_replaced: int = 0
    name: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        return {
            "name": self.name or self.path.name.partition(".")[0],
            "path": str(self.path),
            "sha256": self.sha256,
            "pixel_type": self.pixel_type,
            "lattice": self.lattice.as_dict(),
            "nonfinite_replaced": self.nonfinite_replaced,
        }


def read_image(
    path: Path | str, series_uid: str | None = None, replace_nonfinite: bool = False
) -> tuple[Image, ImageFile]:
    """Read a three-dimensional scalar image.

    Parameters
    ----------
    path
        A NIfTI, NRRD or MetaImage file, or a folder with one DICOM series.
    series_uid
        Which series, where a DICOM folder holds several.
    replace_nonfinite
        Replace NaN and infinite voxels by the smallest finite value instead of refusing them.

    Returns
    -------
    tuple of Image and ImageFile
        Intensities as float32, axes (k, j, i); lattice in LPS mm; and the provenance.

    Raises
    ------
    InputError
        If the path is missing, unreadable or empty, or the image is not three-dimensional, not
        scalar, constant, not finite, or has an absurd spacing. The message says what to do.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    nonfinite = None
    if path.is_dir():
        stored, files = _read_series(path, series_uid)
    else:
        (stored, nonfinite), files = _read_file(path), [path]
    volume = _as_volume(stored, path)
    lattice = _checked_lattice(volume, path)
    array = sitk.GetArrayFromImage(volume).astype(np.float32)
    if nonfinite is not None and nonfinite.size == array.size:
        array[nonfinite.reshape(array.shape)] = np.nan
    array, replaced = _finite(array, path, replace_nonfinite)
    if array.min() == array.max():
        raise InputError(
            f"{path} is constant: every voxel is {array.flat[0]:g}, so there is nothing to "
            "register.",
            "Check that the right volume was exported.",
        )
    image = Image(torch.from_numpy(array), lattice, path.name)
    origin = ImageFile(
        path.resolve(), sha256(*files), stored.GetPixelIDTypeAsString(), lattice, replaced
    )
    return image, origin


def read_labels(path: Path | str) -> tuple[Image, ImageFile]:
    """Read a label map or mask: as `read_image`, but a constant one is allowed.

    Raises
    ------
    InputError
        As `read_image`; also where a voxel is not a whole number from 0 up.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not a file.", "Check the path of the label map.")
    stored, _ = _read_file(path)
    volume = _as_volume(stored, path)
    lattice = _checked_lattice(volume, path)
    array = sitk.GetArrayFromImage(volume).astype(np.float32)
    if not np.isfinite(array).all() or (array < 0).any() or (array != np.round(array)).any():
        raise InputError(
            f"{path} is not a label map: labels are whole numbers from 0 up.",
            "Give a mask or segmentation, not an intensity image.",
        )
    origin = ImageFile(path.resolve(), sha256(path), stored.GetPixelIDTypeAsString(), lattice)
    return Image(torch.from_numpy(array), lattice, path.name), origin


def sha256(*files: Path) -> str:
    """Return the SHA-256 of the bytes of some files, one after the other, as hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _read_file(path: Path) -> tuple[sitk.Image, NDArray[np.bool_] | None]:
    """Read one file; also tell which voxels were NaN or infinite where ITK hides it (NIfTI)."""
    nonfinite, missing = None, 0
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes).", "Export or download it again.")
        image = sitk.ReadImage(str(path))
        if is_nifti(path):
            content = inspect_nifti(path)
            nonfinite, missing = content.nonfinite, content.missing_bytes
    except PermissionError as error:
        raise InputError(f"{path} may not be read.", "Check its permissions.") from error
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise InputError(
                f"{path} has a header whose axes are not perpendicular (a shear), which ITK "
                "cannot represent.",
                "Resample it onto a plain grid first, for example with 3D Slicer.",
            ) from error
        raise InputError(
            f"{path} cannot be read as an image: {_last_line(error)}", f"Give {_SUPPORTED}."
        ) from error
    if missing:
        raise InputError(
            f"{path} is truncated or damaged: {missing} bytes are missing.",
            "Export or download it again.",
        )
    return image, nonfinite


def _last_line(error: BaseException) -> str:
    """Return the telling line of one of ITK's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _read_series(folder: Path, series_uid: str | None) -> tuple[sitk.Image, list[Path]]:
    """Read one DICOM series; slices are sorted by their position in the patient."""
    found = list(sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)))
    if not found:
        raise InputError(f"{folder} holds no DICOM series.", f"Give {_SUPPORTED}.")
    if series_uid is None and len(found) > 1:
        raise InputError(
            f"{folder} holds {len(found)} DICOM series: {', '.join(found)}.",
            "Say which one with --fixed-series or --moving-series.",
        )
    uid = series_uid or found[0]
    if uid not in found:
        raise InputError(f"{folder} has no series {uid}; it has {', '.join(found)}.")
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
    _check_slice_positions(folder, names)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(names)
    try:
        return reader.Execute(), [Path(name) for name in names]
    except RuntimeError as error:
        raise InputError(
            f"The DICOM series in {folder} cannot be read: {_last_line(error)}",
            "Check that all of its slices have the same size and are complete.",
        ) from error


def _check_slice_positions(folder: Path, names: tuple[str, ...]) -> None:
    """Refuse a series with missing or unevenly spaced slices, which ITK would read wrongly."""
    positions = []
    for name in names:
        header = sitk.ImageFileReader()
        header.SetFileName(name)
        try:
            header.ReadImageInformation()
        except RuntimeError as error:
            raise InputError(f"{name} cannot be read: {_last_line(error)}") from error
        positions.append(header.GetOrigin())
    if len(positions) < 3:
        return
    steps = np.linalg.norm(np.diff(np.array(positions), axis=0), axis=1)
    typical = float(np.median(steps))
    worst = int(np.argmax(np.abs(steps - typical)))
    if typical <= 0 or abs(steps[worst] - typical) > 0.02 * typical:
        raise InputError(
            f"The DICOM series in {folder} is not evenly spaced: slices {worst + 1} and "
            f"{worst + 2} are {steps[worst]:.2f} mm apart, the others {typical:.2f} mm.",
            "Look for missing or duplicated slices, or resample the series first.",
        )


def _as_volume(image: sitk.Image, path: Path) -> sitk.Image:
    """Return a 3D scalar image, accepting a 4D one that holds a single volume."""
    if image.GetNumberOfComponentsPerPixel() > 1 or "complex" in image.GetPixelIDTypeAsString():
        raise InputError(
            f"{path} has {image.GetNumberOfComponentsPerPixel()} components per voxel "
            f"({image.GetPixelIDTypeAsString()}), not one.",
            "Give a scalar image, for example one channel of it.",
        )
    size = image.GetSize()
    if image.GetDimension() == 4 and size[3] == 1:
        return image[:, :, :, 0]
    if image.GetDimension() == 4:
        raise InputError(
            f"{path} is four-dimensional ({' x '.join(map(str, size))}).",
            "Extract the one volume that is to be registered.",
        )
    if image.GetDimension() != 3 or min(size) < 2:
        raise InputError(
            f"{path} is a flat image ({' x '.join(map(str, size))}), not a volume.",
            "Give a three-dimensional image; for DICOM, the folder that holds all slices.",
        )
    return image


def _checked_lattice(image: sitk.Image, path: Path) -> Lattice:
    spacing = np.array(image.GetSpacing())
    low, high = SPACING_RANGE_MM
    if not np.isfinite(spacing).all() or (spacing < low).any() or (spacing > high).any():
        raise InputError(
            f"{path} has a voxel spacing of {' x '.join(f'{s:g}' for s in spacing)} mm, outside "
            f"{low:g} to {high:g} mm.",
            "Correct the spacing in its header; it is expected in millimetres.",
        )
    try:
        return Lattice.of(image)
    except ValueError as error:
        raise InputError(
            f"{path} has no usable orientation: {error}",
            "Correct the direction or the qform/sform in its header.",
        ) from error


def _finite(array: np.ndarray, path: Path, replace: bool) -> tuple[np.ndarray, int]:
    bad = ~np.isfinite(array)
    count = int(bad.sum())
    if count == 0:
        return array, 0
    if count == array.size:
        raise InputError(f"{path} holds no finite value at all.", "Export it again.")
    if not replace:
        raise InputError(
            f"{path} holds {count} voxels that are NaN or infinite.",
            "Repair it, or ask for them to be replaced by the smallest finite value with "
            "--replace-nonfinite.",
        )
    return np.where(bad, array[~bad].min(), array).astype(np.float32), count
