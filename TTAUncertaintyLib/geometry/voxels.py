"""The voxels of an image file: all of them, exactly as they are stored, or a word about why not.

Read here and not by ITK, which fills what is missing with zeros, hides NaN in NIfTI files,
and reads a damaged compressed MetaImage as if nothing were wrong.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ResourceError

#: Deflate makes nothing smaller than by this factor (zlib's own documentation: 1032).
_MOST_COMPRESSION = 1032
_CHUNK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
#: What may follow the voxels of a compressed file before it counts as another image, bytes.
_MOST_AFTER = 1 << 26


@dataclass(frozen=True)
class VoxelLayout:
    """Where the voxels lie in a file, as its header says."""

    #: The file that was asked for, for messages.
    header: Path
    #: The one that holds the voxels; often the same.
    file: Path
    #: Bytes before them or, where they are compressed, before the compressed stream; -1: they
    #: end the file.
    start: int
    #: Bytes of the uncompressed stream before them.
    skip: int
    #: One number, with its byte order.
    type: np.dtype[Any]
    #: Voxels along all axes of the file, the fastest first; three of them for a volume.
    extent: tuple[int, ...]
    #: By zlib or gzip.
    compressed: bool

    @property
    def voxel_bytes(self) -> int:
        """What the voxels take uncompressed."""
        return math.prod(self.extent) * self.type.itemsize


def read_voxels(layout: VoxelLayout) -> tuple[NDArray[Any], int]:
    """Read all voxels.

    Nothing is allocated before the size of the file is held against what the header announces.

    Returns
    -------
    array
        Axes in reverse order, (k, j, i) for a volume; the stored type, this machine's byte order.
    after
        Bytes in the file that follow the voxels and belong to nothing.

    Raises
    ------
    InputError
        If the file lacks voxels, or its compressed data are damaged.
    ResourceError
        If the voxels need more memory than there is.
    """
    try:
        there = layout.file.stat().st_size
        start = there - layout.voxel_bytes if layout.start < 0 else layout.start
        stored = there - start - (0 if layout.compressed else layout.skip)
        possible = max(0, stored) * (_MOST_COMPRESSION if layout.compressed else 1)
        if start < 0 or possible < layout.voxel_bytes:
            raise _truncated(layout, layout.voxel_bytes - possible, at_least=layout.compressed)
        values = allocated(layout.extent, layout.type, layout.header)
        content = values.view(np.uint8).data
        with layout.file.open("rb") as stream:
            stream.seek(start)
            if layout.compressed:
                after = _fill(content, layout, _uncompressed(stream, layout))
            else:
                stream.seek(layout.skip, 1)
                read = 0
                while read < len(content) and (n := stream.readinto(content[read:])):
                    read += n
                if read < len(content):  # it shrank since its size was asked
                    raise _truncated(layout, len(content) - read)
                after = stored - len(content)
    except OSError as error:
        raise InputError(
            f"{layout.file} cannot be read ({error.strerror or error}).", "Check the file."
        ) from error
    array = values.reshape(layout.extent[::-1])
    return array.astype(layout.type.newbyteorder("="), copy=False), after


def read_pieces(layout: VoxelLayout) -> Iterator[bytes]:
    """Yield the bytes of all voxels, uncompressed, a piece at a time; what follows them as well.

    Raises
    ------
    InputError
        If compressed data are damaged.
    OSError
        If the file cannot be read.
    """
    with layout.file.open("rb") as stream:
        stream.seek(layout.start)
        if layout.compressed:
            yield from _uncompressed(stream, layout)
        else:
            while piece := stream.read(_CHUNK_BYTES):
                yield piece


def allocated(extent: tuple[int, ...], kind: np.dtype[Any], name: Path) -> NDArray[Any]:
    """Return room for voxels, shape (n,); float32 is made of them, and has to fit as well.

    Raises
    ------
    ResourceError
        If there is too little memory.
    """
    count = math.prod(extent)
    needed = count * (kind.itemsize + 4)
    free = _available_memory()
    try:
        if free is not None and needed > free:
            raise MemoryError
        return np.empty(count, kind)
    except MemoryError as error:
        size = " x ".join(map(str, extent))
        has = "" if free is None else f", and {free / 1e9:.1f} GB are free"
        raise ResourceError(
            f"{name} ({size} voxels) takes {needed / 1e9:.1f} GB of memory{has}.",
            "Resample it to a coarser grid or crop it, or use a larger machine.",
        ) from error


def _available_memory() -> int | None:
    """Return how many bytes the machine can still give; None where it does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _fill(content: memoryview, layout: VoxelLayout, pieces: Iterator[bytes]) -> int:
    """Fill the voxels from an uncompressed stream; return the bytes that follow them."""
    skip, filled, after = layout.skip, 0, 0
    for piece in pieces:
        kept = memoryview(piece)[skip:]
        skip -= len(piece) - len(kept)
        wanted = kept[: len(content) - filled]
        content[filled : filled + len(wanted)] = wanted
        filled += len(wanted)
        after += len(kept) - len(wanted)
        if after > _MOST_AFTER:
            raise InputError(
                f"{layout.file} holds far more than the voxels that its header announces.",
                "Correct the header, or export the image again.",
            )
    if filled < len(content):
        raise _truncated(layout, len(content) - filled)
    return after


def _uncompressed(stream: BinaryIO, layout: VoxelLayout) -> Iterator[bytes]:
    """Yield what a zlib stream, or gzip members one after the other, hold; their sums are checked.

    What follows the last one, and is no gzip member, is left alone, as `gzip` does.
    """
    data = stream.read(_CHUNK_BYTES)
    first = True
    while first or data[:2] == _GZIP:
        first = False
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            while not unpack.eof:
                data = data or stream.read(_CHUNK_BYTES)
                piece = unpack.decompress(data, _CHUNK_BYTES)
                if not data and not piece:
                    raise zlib.error("they end too early")
                yield piece
                data = unpack.unconsumed_tail
        except zlib.error as error:
            raise InputError(
                f"{layout.file} is truncated or damaged: its compressed data are not whole "
                f"({error}).",
                "Export or download it again.",
            ) from error
        data = unpack.unused_data
        data += stream.read(_CHUNK_BYTES) if len(data) < len(_GZIP) else b""


def _truncated(layout: VoxelLayout, missing: int, at_least: bool = False) -> InputError:
    count = f"at least {missing}" if at_least else f"{missing}"
    return InputError(
        f"{layout.file} is truncated or damaged: {count} bytes are missing of the "
        f"{' x '.join(map(str, layout.extent))} voxels that its header announces.",
        "Export or download it again.",
    )
