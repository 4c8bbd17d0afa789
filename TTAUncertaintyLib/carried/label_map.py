"""A label map of the moving image, read with the names of its structures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Image, Lattice, read_stored_labels, sha256
from .structures import Color, Structure, named, read_names

#: Structures are numbered in 16 bits.
_MOST = 32_000


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Structures on the voxels of a lattice."""

    #: int16, axes (k, j, i): place of the structure in `structures`, from 1; 0 for none.
    numbers: NDArray[np.int16]
    #: In the moving image's world.
    lattice: Lattice
    #: By label.
    structures: tuple[Structure, ...]
    #: Of the file; hash of its bytes.
    path: Path
    sha256: str


def read_label_map(path: Path, names: Path | None = None, moving: Image | None = None) -> LabelMap:
    """Read a label map.

    Parameters
    ----------
    path
        NIfTI, NRRD or MetaImage; Slicer's .seg.nrrd (one layer) brings its names.
    names
        A table of names: see `read_names`. It goes before the names in the file.
    moving
        The image that it belongs to: it has to lie where that lies. On a lattice of its own it may.

    Raises
    ------
    InputError
        If it is no label map, is empty, or does not meet the moving image.
    """
    stored = read_stored_labels(path)
    values = stored.values
    present, numbers = np.unique(values, return_inverse=True)
    labels = [int(value) for value in present if value > 0]
    if not labels:
        raise InputError(f"{path} is empty: every voxel is 0.", "Give a segmentation.")
    if len(labels) > _MOST:
        raise InputError(f"{path} has {len(labels)} labels.", "Give a segmentation of structures.")
    if present[0] > 0:
        numbers = numbers + 1
    known = _names_inside(path) | ({} if names is None else read_names(names))
    if moving is not None:
        _check_place(path, stored.lattice, moving)
    return LabelMap(
        numbers.reshape(values.shape).astype(np.int16),
        stored.lattice,
        tuple(named(labels, known)),
        path.resolve(),
        sha256(*stored.files),
    )


def _check_place(path: Path, lattice: Lattice, moving: Image) -> None:
    ends = moving.lattice.to_voxel(lattice.corners())
    if (ends.max(0) < 0).any() or (ends.min(0) > np.array(moving.lattice.size) - 1).any():
        raise InputError(
            f"{path} does not lie where {moving.name} lies.",
            "Give labels that were drawn on the moving image.",
        )


def _names_inside(path: Path) -> dict[int, tuple[str, Color | None]]:
    """Return the names and colours that Slicer writes into a .seg.nrrd; empty for other files."""
    if not path.name.lower().endswith((".nrrd", ".nhdr")):
        return {}
    reader = sitk.ImageFileReader()
    reader.SetImageIO("NrrdImageIO")
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    found: dict[int, tuple[str, Color | None]] = {}
    for key in reader.GetMetaDataKeys():
        segment = re.fullmatch(r"(Segment\d+_)LabelValue", key)
        if segment is None:
            continue
        about = {
            what: reader.GetMetaData(segment[1] + what)
            for what in ("Name", "Color")
            if reader.HasMetaDataKey(segment[1] + what)
        }
        parts = [float(part) for part in re.findall(r"[\d.eE+-]+", about.get("Color", ""))]
        color = tuple(round(255 * min(max(part, 0.0), 1.0)) for part in parts)
        red_green_blue = (color[0], color[1], color[2]) if len(color) == 3 else None
        found[int(reader.GetMetaData(key))] = (about.get("Name", "").strip(), red_green_blue)
    return found
