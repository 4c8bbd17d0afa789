"""The safetensors file format, read strictly: tensors by name, and nothing that could run.

A file is eight bytes with the length of the header, the header as JSON (per tensor its dtype,
shape and byte range), and the tensors' bytes. Slicer's Python has no `safetensors` package, so
the format's few lines stand here. Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

#: A longer header than this is taken for a hostile file.
_LONGEST_HEADER = 10_000_000
_DTYPES = {
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
    """Read a file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple of dict
        The tensors by name, on the CPU, and the header's metadata.

    Raises
    ------
    ValueError
        If the file is truncated or its header does not describe its bytes exactly.
    OSError
        If it cannot be read.
    """
    content = path.read_bytes()
    if len(content) < 8:
        raise ValueError("it is too short for a safetensors file.")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(_LONGEST_HEADER, len(content) - 8):
        raise ValueError("its header is longer than the file; it may be truncated.")
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"))
    except ValueError as error:
        raise ValueError("its header is not JSON.") from error
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object.")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata are not strings by name.")
    data = memoryview(content)[8 + length :]
    tensors: dict[str, Tensor] = {}
    end_of_last = 0
    spans = {name: _span(name, entry) for name, entry in header.items()}
    for name, (dtype, shape, begin, end) in sorted(spans.items(), key=lambda item: item[1][2:]):
        if begin != end_of_last or end > len(data):
            raise ValueError(f"the bytes of '{name}' overlap, leave a gap or end after the file.")
        end_of_last = end
        raw = np.frombuffer(data[begin:end], dtype=np.uint8).copy()
        tensors[name] = torch.from_numpy(raw).view(dtype).reshape(shape)
    if end_of_last != len(data):
        raise ValueError("it has bytes that no tensor describes.")
    return tensors, metadata


def _span(name: str, entry: Any) -> tuple[torch.dtype, list[int], int, int]:
    """Check one tensor's entry; return dtype, shape and byte range."""
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"the entry of '{name}' is not complete.") from error
    if dtype not in _DTYPES:
        raise ValueError(f"'{name}' has the unknown type {dtype!r}.")
    if not all(type(n) is int and n >= 0 for n in numbers):
        raise ValueError(f"'{name}' has a shape or byte range that is not made of whole numbers.")
    if end - begin != math.prod(shape) * _DTYPES[dtype].itemsize:
        raise ValueError(f"the shape of '{name}' does not fit its bytes.")
    return _DTYPES[dtype], shape, begin, end


def write_safetensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name, with string metadata; the same input gives the same bytes."""
    header: dict[str, Any] = {"__metadata__": dict(metadata or {})}
    chunks, begin = [], 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        chunk = tensor.flatten().view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, begin + len(chunk)],
        }
        begin += len(chunk)
        chunks.append(chunk)
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)))
        stream.write(text)
        stream.writelines(chunks)
