"""Writing NRRD piece by piece, so that no volume has to be in memory as a whole.

Source: https://teem.sourceforge.net/nrrd/format.html. Works without torch.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .lattice import Lattice
from .nrrd import TYPES, read_nrrd_header
from .voxels import read_pieces

#: Fast: higher levels take ten times as long for a twentieth less.
_LEVEL = 1
#: As zlib says of gzip's header and checksum.
_GZIP_WINDOW = zlib.MAX_WBITS | 16


def write_nrrd(
    path: Path,
    pieces: Iterable[NDArray[Any]],
    lattice: Lattice,
    header: Mapping[str, str],
    compress: bool = True,
) -> None:
    """Write an image, and read it back.

    Parameters
    ----------
    pieces
        The voxels, one part of the slices after the other: axes (k, j, i), or (k, j, i, component)
        for vectors; all of one type.
    lattice
        Of the whole, LPS mm; its axes are perpendicular.
    header
        Further keys, such as "unit", and their values.
    compress
        Whether to compress the voxels.

    Raises
    ------
    OSError
        If it cannot be written whole.
    """
    squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW) if compress else None
    pack: Callable[[bytes], bytes] = squeeze.compress if squeeze else bytes
    written, checksum = 0, 0
    with path.open("wb") as stream:
        for piece in pieces:
            if not written:
                stream.write(_header(piece, lattice, header, compress))
            voxels = np.ascontiguousarray(piece, piece.dtype.newbyteorder("<")).tobytes()
            written += len(voxels)
            checksum = zlib.crc32(voxels, checksum)
            stream.write(pack(voxels))
        if squeeze:
            stream.write(squeeze.flush())
    # not every file system tells at once that a disk is full
    try:
        whole = (written, checksum) == _on_disk(path)
    except InputError:
        whole = False
    if not whole:
        raise OSError(f"{path.name} was not written whole")


def _header(
    piece: NDArray[Any], lattice: Lattice, header: Mapping[str, str], compress: bool
) -> bytes:
    vectors = piece.ndim == 4
    sizes = ([piece.shape[-1]] if vectors else []) + list(lattice.size)
    steps = " ".join(_vector(column) for column in lattice.linear.T)
    kind = TYPES[piece.dtype.str[1:]][0]
    lines = [
        "NRRD0005",
        f"type: {kind}",
        f"dimension: {len(sizes)}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, sizes))}",
        f"space directions: {'none ' if vectors else ''}{steps}",
        f"kinds: {'vector ' if vectors else ''}domain domain domain",
        "endian: little",
        f"encoding: {'gzip' if compress else 'raw'}",
        f"space origin: {_vector(lattice.origin)}",
        *(f"{key}:={_escaped(value)}" for key, value in header.items()),
    ]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "surrogateescape")


def _vector(values: ArrayLike) -> str:
    return f"({','.join(repr(float(value)) for value in np.asarray(values))})"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", " ")


def _on_disk(path: Path) -> tuple[int, int]:
    """Return the number of bytes of the voxels in a file, and their checksum."""
    layout, _ = read_nrrd_header(path)
    size, checksum = 0, 0
    for piece in read_pieces(layout):
        size += len(piece)
        checksum = zlib.crc32(piece, checksum)
    return size, checksum
