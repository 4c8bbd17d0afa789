"""Whether a NIfTI file is all there: ITK fills what is missing with zeros and says nothing."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

_CHUNK = 1 << 20


def missing_bytes(path: Path) -> int:
    """Return how many bytes a NIfTI file lacks of what its header announces.

    Parameters
    ----------
    path
        A single-file NIfTI-1 image, .nii or .nii.gz.

    Returns
    -------
    int
        0 if it is complete, or if it is no NIfTI file after all (which others will notice).

    Notes
    -----
    A compressed file is read to its end, so that its checksum is verified as well; one that
    cannot be decompressed lacks everything from the damage on.
    Source: https://nifti.nimh.nih.gov/nifti-1
    """
    header = b""
    length = 0
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
        try:
            header = stream.read(348)
            length = len(header)
            while chunk := stream.read(_CHUNK):
                length += len(chunk)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            # what came before the damage may be long enough by chance: count it as lost
            return max(1, _announced(header) - length)
    return max(0, _announced(header) - length)


def _announced(header: bytes) -> int:
    """Return the length of the uncompressed file, as its header has it; 0 if it is no header."""
    if len(header) < 348 or header[344:346] != b"n+":
        return 0
    order = "<" if struct.unpack_from("<i", header)[0] == 348 else ">"
    rank, *extent = struct.unpack_from(f"{order}8h", header, 40)
    bits = struct.unpack_from(f"{order}h", header, 72)[0]
    offset = int(struct.unpack_from(f"{order}f", header, 108)[0])
    return offset + math.prod(extent[: max(0, rank)]) * bits // 8
