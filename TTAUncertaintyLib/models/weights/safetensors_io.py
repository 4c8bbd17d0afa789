"""Read and write the safetensors file format, strictly, without its package.

Slicer's Python does not have that package, and weights are files that people download: the reader
trusts nothing in them.  A file is an unsigned 64-bit little-endian length, a JSON header of that
length, and the tensors' bytes without gaps; see
https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...strict_json import Unreadable, parse_json

LARGEST_HEADER = 16 * 1024 * 1024
"""A header beyond this many bytes is refused before it is read."""

_DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read all tensors and the metadata of a file.

    Returns
    -------
    tensors
        By name, in the file's dtype, on the CPU; each owns its memory.
    metadata
        The header's free text, by key.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no safetensors file, is truncated, or its header contradicts itself; the message
        continues a sentence about the file ("it is ...").
    """
    content = path.read_bytes()
    length = _header_length(content[:8], len(content))
    header, body = _header(content[8 : 8 + length]), content[8 + length :]
    metadata = _metadata(header)
    header.pop("__metadata__", None)
    tensors: dict[str, Tensor] = {}
    taken: list[tuple[int, int]] = []
    for name, entry in header.items():
        dtype, shape, begin, end = _check_entry(name, entry, len(body))
        taken.append((begin, end))
        # A writable copy: torch warns about, and rightly mistrusts, read-only memory.
        raw = torch.frombuffer(bytearray(body[begin:end] or b"\0"), dtype=torch.uint8)
        tensors[name] = raw[: end - begin].view(dtype).reshape(shape)
    _check_coverage(taken, len(body))
    return tensors, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """Read a file's metadata alone, without its tensors, which may be cut short.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it has no header of a safetensors file.
    """
    with path.open("rb") as file:
        return _metadata(_header(file.read(_header_length(file.read(8), path.stat().st_size))))


def write_safetensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors and metadata; the same input gives the same bytes.

    Raises
    ------
    ValueError
        If a tensor has a dtype that the format, or this module, does not know.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted((metadata or {}).items()))}
    parts: list[bytes] = []
    offset = 0
    # Widest elements first, as the reference writer does, so that every tensor lies aligned.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    for name in order:
        tensor = tensors[name].detach().cpu().contiguous()
        if tensor.dtype not in _NAMES:
            raise ValueError(f"Tensor {name!r} has dtype {tensor.dtype}, which cannot be written.")
        data = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        parts.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def _header_length(start: bytes, size: int) -> int:
    """Return the length of the header of a file of a size, from its first 8 bytes."""
    if len(start) < 8:
        raise ValueError("it is too short for a safetensors file.")
    (length,) = struct.unpack("<Q", start)
    if length > LARGEST_HEADER:
        raise ValueError(f"it claims a header of {length} bytes and is no safetensors file.")
    if 8 + length > size:
        raise ValueError("it is truncated: its header ends beyond the end of the file.")
    return int(length)


def _metadata(header: Mapping[str, Any]) -> dict[str, str]:
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("it has metadata that is not text.")
    return {str(key): value for key, value in metadata.items()}


def _header(text: bytes) -> dict[str, Any]:
    """Return the parsed header."""
    try:
        header = parse_json(text)
    except Unreadable as error:
        raise ValueError(f"it has a header that cannot be read ({error}).") from error
    if not isinstance(header, dict):
        raise ValueError("it has a header that is not a JSON object.")
    return header


def _check_entry(name: str, entry: Any, size: int) -> tuple[torch.dtype, list[int], int, int]:
    """Return dtype, shape, begin and end of a tensor whose entry makes sense."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"it describes tensor {name!r} incompletely.")
    dtype = _DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise ValueError(f"it stores tensor {name!r} in the unknown type {entry['dtype']!r}.")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"it gives tensor {name!r} a shape or offsets that are no sizes.")
    begin, end = offsets
    if not begin <= end <= size:
        raise ValueError(f"it is truncated or damaged: tensor {name!r} lies outside the file.")
    if math.prod(shape) * dtype.itemsize != end - begin:
        raise ValueError(f"it gives tensor {name!r} a shape that does not fit its bytes.")
    return dtype, shape, begin, end


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _check_coverage(taken: list[tuple[int, int]], size: int) -> None:
    """Refuse tensors that overlap and bytes that belong to none."""
    position = 0
    for begin, end in sorted(taken):
        if begin < position:
            raise ValueError("it holds tensors that overlap.")
        if begin > position:
            raise ValueError("it holds bytes that belong to no tensor.")
        position = end
    if position != size:
        raise ValueError("it holds bytes that belong to no tensor.")
