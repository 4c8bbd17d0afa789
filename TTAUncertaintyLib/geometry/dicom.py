"""DICOM folders: one series, slice by slice, on a regular lattice or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from .lattice import Lattice, Matrix
from .paths import checked_path
from .voxels import allocated

#: A lattice may miss the stated place of a voxel by this much of its shortest edge: far below what
#: registration resolves, and above what rounding in headers makes.
TOLERANCE_VOXELS = 0.1

#: What a slice has to state, since ITK takes 1 mm and the origin where it does not.
_NEEDED = {
    "0020|0032": "position (Image Position)",
    "0020|0037": "orientation (Image Orientation)",
    "0028|0030": "pixel size (Pixel Spacing)",
}
_CONVERT = "Convert it to NIfTI with dcm2niix, and look at what it says."

#: Named, so that ITK does not try every format that it knows.
_IMAGE_IO = "GDCMImageIO"


@dataclass(frozen=True, eq=False)
class Series:
    """A DICOM series whose slices lie on a regular lattice; voxels are read later."""

    #: Where it is.
    folder: Path
    #: One a slice, in the order of their positions.
    files: list[Path]
    #: LPS mm.
    lattice: Lattice

    def read(self) -> NDArray[Any]:
        """Return the intensities, axes (k, j, i).

        Each slice is read on its own: its rescaling counts for it alone, and the first one does
        not choose a type that rounds the others, as ITK's reader of series does.

        Raises
        ------
        InputError
            If a slice cannot be read.
        """
        slices: list[NDArray[Any]] = []
        for file in self.files:
            try:
                image = sitk.ReadImage(str(file), imageIO=_IMAGE_IO)
                slices.append(sitk.GetArrayFromImage(image)[0])
            except (RuntimeError, IndexError) as error:
                raise InputError(
                    f"{file} is damaged: its voxels cannot be read.", "Export the series again."
                ) from error
            if slices[-1].shape != self.lattice.array_shape[1:] or slices[-1].ndim != 2:
                raise InputError(f"{file} is damaged: its size is not that of its header.")
        kind = np.result_type(*[slice_.dtype for slice_ in slices])
        values = allocated(self.lattice.size, kind, self.folder).reshape(self.lattice.array_shape)
        for k, slice_ in enumerate(slices):
            values[k] = slice_
        return values


def find_series(folder: Path, series_uid: str | None) -> Series:
    """Find a series in a folder, and see that its slices lie on a regular lattice.

    Parameters
    ----------
    folder
        The folder; others below it are not looked into.
    series_uid
        Which one, where there are several.

    Raises
    ------
    InputError
        If there is none, or it has to be chosen; if slices are missing, there twice, unreadable or
        unlike each other; or if they are shifted sideways (a tilted gantry), unevenly spaced or
        not parallel.
    """
    for file in folder.iterdir():
        checked_path(file)  # ITK is about to open every one
    found = list(sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)))
    if not found:
        raise InputError(
            f"{folder} holds no DICOM series.",
            "Give an image file, or the folder that holds the slices themselves.",
        )
    if series_uid is None and len(found) > 1:
        raise InputError(
            f"{folder} holds {len(found)} DICOM series: {', '.join(found)}.",
            "Say which one with --fixed-series or --moving-series.",
        )
    uid = series_uid or found[0]
    if uid not in found:
        raise InputError(f"{folder} has no series {uid}; it has {', '.join(found)}.")
    by_uid = {
        each: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), each) for each in found
    }
    _check_none_left_out(folder, {Path(name).name for names in by_uid.values() for name in names})
    slices = [_Slice.of(Path(name)) for name in by_uid[uid]]
    normal = np.cross(slices[0].direction[:, 0], slices[0].direction[:, 1])
    slices.sort(key=lambda slice_: float(slice_.position @ normal))
    lattice = _lattice_of(folder, slices, normal)
    return Series(folder, [slice_.file for slice_ in slices], lattice)


@dataclass(frozen=True, eq=False)
class _Slice:
    """What the header of one slice says: LPS mm, axes as columns."""

    file: Path
    size: tuple[int, ...]
    spacing: Matrix
    position: Matrix
    direction: Matrix

    @classmethod
    def of(cls, file: Path) -> _Slice:
        header = sitk.ImageFileReader()
        header.SetImageIO(_IMAGE_IO)
        header.SetFileName(str(file))
        try:
            header.ReadImageInformation()
        except RuntimeError as error:
            raise InputError(
                f"{file} cannot be read as a DICOM slice.", "Export the series again."
            ) from error
        if header.GetNumberOfComponents() > 1:
            raise InputError(
                f"{file} has {header.GetNumberOfComponents()} components per voxel, not one.",
                "Give a scalar image, not a colour one.",
            )
        size = header.GetSize()
        if len(size) > 2 and size[2] > 1:
            raise InputError(
                f"{file} holds {size[2]} frames in one file (multi-frame DICOM), whose order and "
                "distances are not read here.",
                _CONVERT,
            )
        lacks = [what for tag, what in _NEEDED.items() if not header.HasMetaDataKey(tag)]
        if lacks or len(size) < 3:
            raise InputError(
                f"{file} does not state its {', '.join(lacks) or 'place'}: it is no slice of a "
                "volume.",
                "Give the original images of the scanner, not screen captures.",
            )
        return cls(
            file,
            size[:2],
            np.array(header.GetSpacing())[:2],
            np.array(header.GetOrigin()),
            np.array(header.GetDirection()).reshape(3, 3),
        )


def _check_none_left_out(folder: Path, taken: set[str]) -> None:
    """Refuse a folder with slices that could not be read: an outermost one would not be missed."""
    left = [
        file.name
        for file in sorted(folder.iterdir())
        if file.name not in taken and file.name.upper() != "DICOMDIR" and _claims_dicom(file)
    ]
    if left:
        raise InputError(
            f"{folder} holds {len(left)} DICOM files that cannot be read, {left[0]} among them.",
            "Export the series again, or take them out of the folder if they do not belong to it.",
        )


def _claims_dicom(file: Path) -> bool:
    if not file.is_file():
        return False
    if file.suffix.lower() in (".dcm", ".ima"):
        return True
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _lattice_of(folder: Path, slices: list[_Slice], normal: Matrix) -> Lattice:
    """Return the regular lattice of some slices; refuse what is none."""
    first, count = slices[0], len(slices)
    sizes = {slice_.size for slice_ in slices}
    if len(sizes) > 1:
        words = " and ".join(" x ".join(map(str, size)) for size in sorted(sizes))
        raise InputError(
            f"The DICOM series in {folder} has slices of different sizes ({words}).",
            "Take out those that do not belong to the volume, such as a localiser.",
        )
    edge = float(first.spacing.min())
    reach = np.array(first.size) - 1
    for slice_ in slices:
        steps = [s.direction[:, :2] * s.spacing * reach for s in (first, slice_)]
        apart = float(np.abs(steps[0] - steps[1]).max())
        if apart > TOLERANCE_VOXELS * edge:
            raise InputError(
                f"The DICOM series in {folder} has slices that are not parallel or have different "
                f"pixel sizes: {slice_.file.name} and {first.file.name} differ by {apart:.3g} mm.",
                "Take out those that do not belong to the volume, such as a localiser.",
            )
    if count < 2:
        raise InputError(
            f"{folder} is a flat image ({first.size[0]} x {first.size[1]}), one slice and not a "
            "volume.",
            "Give the folder that holds all slices.",
        )
    positions = np.array([slice_.position for slice_ in slices])
    along = (positions - positions[0]) @ normal
    spacing = _even_spacing(folder, slices, along, edge)
    _check_no_drift(folder, positions, along, normal, TOLERANCE_VOXELS * min(edge, spacing))
    columns = np.column_stack((first.direction[:, 0], first.direction[:, 1], normal))
    return Lattice.from_geometry(
        (first.size[0], first.size[1], count),
        (first.spacing[0], first.spacing[1], spacing),
        positions[0],
        columns,
    )


def _even_spacing(folder: Path, slices: list[_Slice], along: Matrix, edge: float) -> float:
    """Return the distance between slices, mm, from their places along the normal."""
    steps = np.diff(along)
    typical = float(np.median(steps))
    twice = np.flatnonzero(np.abs(steps) < 1e-3)
    if len(twice):
        raise InputError(
            f"The DICOM series in {folder} has several slices in one place: "
            f"{slices[twice[0]].file.name} and {slices[twice[0] + 1].file.name} are the first of "
            f"{len(twice)} such pairs.",
            "It may hold several echoes or times, or copies: keep one, for example with dcm2niix.",
        )
    even = np.linspace(along[0], along[-1], len(along))
    if np.abs(along - even).max() > TOLERANCE_VOXELS * min(edge, abs(typical)):
        worst = int(np.argmax(np.abs(steps - typical)))
        raise InputError(
            f"The DICOM series in {folder} is not evenly spaced: slices {worst + 1} and "
            f"{worst + 2} are {steps[worst]:.2f} mm apart, the others {typical:.2f} mm.",
            "Look for missing or duplicated slices, or resample the series first.",
        )
    return float(along[-1] - along[0]) / (len(along) - 1)


def _check_no_drift(
    folder: Path, positions: Matrix, along: Matrix, normal: Matrix, tolerance_mm: float
) -> None:
    """Refuse slices that are not right above each other, which ITK would stack as if they were."""
    sideways = positions - positions[0] - np.outer(along, normal)
    farthest = float(np.linalg.norm(sideways, axis=1).max())
    if farthest <= tolerance_mm:
        return
    line = np.outer(along / along[-1], sideways[-1])
    if np.linalg.norm(sideways - line, axis=1).max() <= tolerance_mm:
        tilt = float(np.degrees(np.arctan2(np.linalg.norm(sideways[-1]), along[-1])))
        raise InputError(
            f"The DICOM series in {folder} was made with a tilted gantry ({tilt:.1f} degrees): its "
            f"slices are shifted sideways by up to {farthest:.1f} mm.",
            "Straighten it first: dcm2niix does (take its file that ends in _Tilt), and so does 3D "
            "Slicer (DICOM settings, acquisition geometry regularization, then harden).",
        )
    raise InputError(
        f"The DICOM series in {folder} has slices that drift sideways by up to {farthest:.2f} mm.",
        "Its positions do not make a volume: export it again, or resample it first.",
    )
