"""What ITK does not tell about a NIfTI file: that its end is missing, and where it held NaN.

ITK fills missing voxels with zeros, and NaN and infinity as well, and says nothing.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: NIfTI's codes of the floating-point types, as numpy's.
_FLOATS = {16: "f4", 64: "f8"}


@dataclass(frozen=True, eq=False)
class NiftiContent:
    """What a look at the bytes finds.

    Parameters
    ----------
    missing_bytes
        How many bytes the file lacks of what its header announces; 0 if it is complete, or no
        NIfTI file after all (which others will notice).
    nonfinite
        bool, one entry a voxel in the file's order (i fastest); None where the type of the voxels
        has no NaN.
    """

    missing_bytes: int
    nonfinite: NDArray[np.bool_] | None


def is_nifti(path: Path) -> bool:
    """Tell by its name whether a file is a single-file NIfTI image."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def inspect_nifti(path: Path) -> NiftiContent:
    """Look at the bytes of a single-file NIfTI-1 image, .nii or .nii.gz.

    A compressed file is read to its end, so that its checksum is verified as well; one that
    cannot be decompressed lacks at least one byte. Source: https://nifti.nimh.nih.gov/nifti-1
    """
    content, damaged = _read(path)
    header = _parse(content)
    if header is None:
        return NiftiContent(int(damaged), None)
    offset, voxels, bits, code, order = header
    missing = offset + voxels * bits // 8 - len(content)
    if damaged or missing > 0:
        return NiftiContent(max(1, missing), None)
    if code not in _FLOATS:
        return NiftiContent(0, None)
    values = np.frombuffer(content, dtype=order + _FLOATS[code], count=voxels, offset=offset)
    return NiftiContent(0, ~np.isfinite(values))


def _read(path: Path) -> tuple[bytes, bool]:
    """Return the uncompressed bytes, and whether decompression failed on the way."""
    pieces = []
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
        try:
            while piece := stream.read(1 << 22):
                pieces.append(piece)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return b"".join(pieces), True
    return b"".join(pieces), False


def _parse(content: bytes) -> tuple[int, int, int, int, str] | None:
    """Return (offset of the voxels, their number, bits each, type code, byte order)."""
    if len(content) < 348 or content[344:346] != b"n+":
        return None
    order = "<" if struct.unpack_from("<i", content)[0] == 348 else ">"
    rank, *extent = struct.unpack_from(f"{order}8h", content, 40)
    code, bits = struct.unpack_from(f"{order}2h", content, 70)
    offset = int(struct.unpack_from(f"{order}f", content, 108)[0])
    return offset, math.prod(extent[: max(0, rank)]), bits, code, order
