"""MetaImage headers: where the voxels lie. Source: https://itk.org/Wiki/ITK/MetaIO/Documentation"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .nrrd import data_file_of
from .voxels import VoxelLayout

#: MetaIO's LONG has four bytes everywhere.
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_LAST = b"ElementDataFile"
_LONGEST_HEADER = 1 << 20


def read_metaimage_header(path: Path) -> VoxelLayout:
    """Read the header of a MetaImage, .mha or .mhd.

    Returns
    -------
    layout
        Where the voxels are.

    Raises
    ------
    InputError
        If it is none, or is stored in a way that is not read here.
    """
    with path.open("rb") as stream:
        begin = stream.read(_LONGEST_HEADER)
    place = begin.find(_LAST)
    end = begin.find(b"\n", place)
    if place < 0 or b"DimSize" not in begin[:place]:
        raise InputError(
            f"{path} cannot be read as an image: it is not a MetaImage.",
            "Give the image itself, not another file under its name.",
        )
    head = begin if end < 0 else begin[:end]
    fields = {
        name.strip(): value.strip()
        for name, sign, value in (
            line.partition("=") for line in head.decode("utf-8", "surrogateescape").splitlines()
        )
        if sign
    }
    try:
        extent = tuple(int(word) for word in fields["DimSize"].split())
        stored, data = fields["ElementType"], fields["ElementDataFile"]
        skip = int(fields.get("HeaderSize", "0"))
        scaling = (
            float(fields.get("ElementToIntensityFunctionSlope", "1")),
            float(fields.get("ElementToIntensityFunctionOffset", "0")),
        )
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path} has a damaged header: its size or type is missing.", "Export it again."
        ) from error
    if not extent or min(extent) < 1:
        raise InputError(f"{path} has a damaged header: it has no voxels.", "Export it again.")
    if (
        stored not in _TYPES
        or not _is_true(fields.get("BinaryData", "False"))
        or scaling != (1.0, 0.0)
        or skip < -1
    ):
        raise InputError(
            f"{path} is stored in a way that is not read here (type {stored}, as text, or with an "
            "intensity function).",
            "Save it again as plain binary MetaImage, for example with 3D Slicer.",
        )
    units = fields.get("DistanceUnits", "mm")
    if units not in ("mm", "?", ""):
        raise InputError(
            f"{path} gives its lengths in {units}.",
            "Convert its spacing to millimetres, and say so in its header.",
        )
    compressed = _is_true(fields.get("CompressedData", "False"))
    msb = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False"))
    file, start = path, end + 1
    if data.upper() != "LOCAL":
        file, start = data_file_of(path, data), 0
        start, skip = (-1, 0) if skip == -1 else (skip, 0)
    elif skip:
        start = -1 if skip == -1 else start + skip
    kind = np.dtype((">" if _is_true(msb) else "<") + _TYPES[stored])
    return VoxelLayout(path, file, start, 0, kind, extent, compressed)


def _is_true(word: str) -> bool:
    return word[:1].lower() in ("t", "1", "y")
