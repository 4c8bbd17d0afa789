"""NIfTI-1 headers made by hand, for what no library would write."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import ArrayLike


def nifti_header(
    size: tuple[int, ...],
    code: int = 16,
    bits: int = 32,
    *,
    order: str = "<",
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    sform: ArrayLike | None = None,
    sform_code: int = 1,
    qform_offset: tuple[float, float, float] | None = None,
    units: int = 2,
) -> bytes:
    """Return 352 bytes, to be followed by the voxels.

    Parameters
    ----------
    size
        Voxels along each axis.
    code, bits
        Type of the voxels.
    order
        "<" or ">".
    spacing
        pixdim.
    sform
        Shape (3, 4), RAS in `units`; None leaves it out.
    sform_code
        What the sform is.
    qform_offset
        Of a qform without a turn, RAS in `units`; None leaves it out.
    units
        1 metres, 2 millimetres, 3 micrometres.
    """
    header = bytearray(352)
    struct.pack_into(f"{order}i", header, 0, 348)
    extent = [len(size), *size, *[1] * (7 - len(size))]
    struct.pack_into(f"{order}8h", header, 40, *extent)
    struct.pack_into(f"{order}hh", header, 70, code, bits)
    struct.pack_into(f"{order}8f", header, 76, 1, *spacing, 1, 0, 0, 0)
    struct.pack_into(f"{order}f", header, 108, 352.0)
    header[123] = units
    if qform_offset is not None:
        struct.pack_into(f"{order}h", header, 252, 1)
        struct.pack_into(f"{order}3f", header, 268, *qform_offset)
    if sform is not None:
        struct.pack_into(f"{order}h", header, 254, sform_code)
        struct.pack_into(f"{order}12f", header, 280, *np.ravel(np.asarray(sform, float)))
    header[344:348] = b"n+1\0"
    return bytes(header)
