"""The header of numpy's .npy format, at a length that does not depend on the first size.

So that an array can be written while nobody knows yet how long it will be, and its header put
right at the end.
"""

from __future__ import annotations

import struct

#: Bytes of the whole header; the format wants a multiple of 64.
_LENGTH = 192


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return the header (format version 1.0) of an array in C order.

    Parameters
    ----------
    dtype
        As numpy writes it, for example "<f2".
    shape
        Of the array.
    """
    text = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode("latin1")
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", _LENGTH - 10)
    return start + text.ljust(_LENGTH - 11) + b"\n"
