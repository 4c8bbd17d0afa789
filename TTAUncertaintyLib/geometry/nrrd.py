"""NRRD headers: where the voxels lie. Source: https://teem.sourceforge.net/nrrd/format.html"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .voxels import VoxelLayout

#: Types by numpy's codes: the names that a header may give them, the one that is written first.
TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": (
        "longlong",
        "long long",
        "long long int",
        "signed long long",
        "signed long long int",
        "int64",
        "int64_t",
    ),
    "u8": (
        "ulonglong",
        "unsigned long long",
        "unsigned long long int",
        "uint64",
        "uint64_t",
    ),
    "f4": ("float",),
    "f8": ("double",),
}
#: Worlds whose axes say where the patient's left is; ITK turns them all into LPS.
_PATIENT = ("left", "right", "las", "lps", "ras")
_LONGEST_HEADER = 1 << 20


def read_nrrd_header(path: Path) -> tuple[VoxelLayout, str]:
    """Read the header of a NRRD file, attached or detached.

    Returns
    -------
    layout
        Where the voxels are.
    note
        What a person should know of it; empty if nothing.

    Raises
    ------
    InputError
        If it is none, or is stored in a way that is not read here.
    """
    with path.open("rb") as stream:
        begin = stream.read(_LONGEST_HEADER)
    if not begin.startswith(b"NRRD"):
        raise InputError(
            f"{path} cannot be read as an image: it is not a NRRD file.",
            "Give the image itself, not another file under its name.",
        )
    # an empty line ends the header; a detached one may end with its file
    ends = [(begin.find(mark), len(mark)) for mark in (b"\n\n", b"\r\n\r\n")]
    ends = [(place, width) for place, width in ends if place >= 0]
    head, start = begin, len(begin)
    if ends:
        place, width = min(ends)
        head, start = begin[:place], place + width
    fields = _fields(head)
    try:
        extent = tuple(int(word) for word in fields["sizes"].split())
        stored = fields["type"].lower()
        encoding = fields["encoding"].lower()
        skip = int(fields.get("byteskip", "0"))
        lines = int(fields.get("lineskip", "0"))
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path} has a damaged header: type, sizes, encoding or skips are missing.",
            "Export it again.",
        ) from error
    if not extent or min(extent) < 1:
        raise InputError(f"{path} has a damaged header: it has no voxels.", "Export it again.")
    kind = next((ours for ours, names in TYPES.items() if stored in names), None)
    compressed = encoding in ("gzip", "gz")
    if kind is None or not (compressed or encoding == "raw") or lines or skip < -1:
        raise InputError(
            f"{path} is stored in a way that is not read here (type {stored}, encoding "
            f"{encoding}, line skip {lines}, byte skip {skip}).",
            "Save it again as plain NRRD, raw or gzip, for example with 3D Slicer.",
        )
    _check_units(path, fields)
    file = path
    if data := fields.get("datafile"):
        file, start = data_file_of(path, data), 0
    elif not ends:
        raise InputError(f"{path} is truncated: its header has no end.", "Export it again.")
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    if skip == -1:
        start, skip = -1, 0
    layout = VoxelLayout(path, file, start, skip, np.dtype(order + kind), extent, compressed)
    if fields.get("space", "").lower().startswith(_PATIENT):
        return layout, ""
    return (
        layout,
        "does not say where the patient's left is: its world was taken for left, posterior and "
        "superior, as 3D Slicer does.",
    )


def data_file_of(header: Path, name: str) -> Path:
    """Return the one file of voxels that a header names, which lies beside it.

    Raises
    ------
    InputError
        If there are several, or it is not there.
    """
    if name.upper().startswith("LIST") or "%" in name:
        raise InputError(
            f"{header} spreads its voxels over several files.", "Save it again as one file."
        )
    file = header.parent / name
    if not file.is_file():
        raise InputError(
            f"{header} names a file of voxels that is not there: {name}.",
            "Put it beside the header.",
        )
    return file


def _fields(head: bytes) -> dict[str, str]:
    """Return the fields by their names without spaces, in lower case."""
    found: dict[str, str] = {}
    for line in head.decode("utf-8", "surrogateescape").splitlines()[1:]:
        if line.startswith("#") or ":=" in line:
            continue
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower().replace(" ", ""), value.strip())
    return found


def _check_units(path: Path, fields: dict[str, str]) -> None:
    units = fields.get("spaceunits", fields.get("units", "")).replace('"', " ").split()
    if any(unit.lower() not in ("mm", "millimeter", "millimetre", "???") for unit in units[:3]):
        raise InputError(
            f"{path} gives its lengths in {units[0]}.",
            "Convert its spacing to millimetres, and say so in its header.",
        )
