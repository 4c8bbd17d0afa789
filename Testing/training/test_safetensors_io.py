"""The weights reader agrees with the reference package and refuses what is not sound."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch

from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors, write_safetensors

TENSORS = {
    "weight": torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(1)),
    "half": torch.arange(5, dtype=torch.float16),
    "brief": torch.ones(2, 3, dtype=torch.bfloat16),
    "index": torch.tensor([[1, -2]], dtype=torch.int64),
    "flag": torch.tensor([True, False, True]),
    "scalar": torch.tensor(2.5, dtype=torch.float64),
    "empty": torch.zeros(0, 4),
}


def _file(path: Path, header: object, body: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def _entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a", TENSORS, {"seed": "1"})
    tensors, metadata = read_safetensors(tmp_path / "a")
    assert metadata == {"seed": "1"}
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_the_reference_package_reads_what_is_written(tmp_path: Path) -> None:
    reference = pytest.importorskip("safetensors")
    reference_torch = pytest.importorskip("safetensors.torch")
    write_safetensors(tmp_path / "a", TENSORS, {"seed": "1"})
    read = reference_torch.load_file(tmp_path / "a")
    assert all(torch.equal(read[name], tensor) for name, tensor in TENSORS.items())
    with reference.safe_open(tmp_path / "a", framework="pt") as opened:
        assert opened.metadata() == {"seed": "1"}


def test_what_the_reference_package_writes_is_read(tmp_path: Path) -> None:
    reference = pytest.importorskip("safetensors.torch")
    reference.save_file(TENSORS, tmp_path / "a", metadata={"k": "v"})
    tensors, metadata = read_safetensors(tmp_path / "a")
    assert metadata == {"k": "v"}
    assert all(torch.equal(tensors[name], tensor) for name, tensor in TENSORS.items())


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a", TENSORS, {"x": "1", "y": "2"})
    write_safetensors(tmp_path / "b", dict(reversed(TENSORS.items())), {"y": "2", "x": "1"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a", TENSORS)
    content = (tmp_path / "a").read_bytes()
    for length in {0, 4, 8, 20, len(content) // 2, len(content) - 1}:
        (tmp_path / "b").write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"short|truncated"):
            read_safetensors(tmp_path / "b")


@pytest.mark.parametrize(
    ("header", "body", "message"),
    [
        (b"[1]", b"", "JSON object"),
        (b"{bad", b"", "cannot be read"),
        (b"[" * 100_000, b"", "cannot be read"),
        (b"\xff\xfe{}", b"", "cannot be read"),
        (b'{"a": {}, "a": {}}', b"", "twice"),
        ({"a": 3}, b"", "incompletely"),
        ({"a": _entry("F13")}, bytes(8), "unknown type"),
        ({"a": _entry(["F32"])}, bytes(8), "unknown type"),
        ({"a": _entry(shape=[-2])}, bytes(8), "no sizes"),
        ({"a": _entry(shape=[2.0])}, bytes(8), "no sizes"),
        ({"a": _entry(shape=[True, 2])}, bytes(8), "no sizes"),
        ({"a": _entry(offsets=[0, 8, 9])}, bytes(8), "no sizes"),
        ({"a": _entry(shape=[3])}, bytes(8), "does not fit"),
        ({"a": _entry(shape=[2**62, 2**62])}, bytes(8), "does not fit"),
        ({"a": _entry(offsets=[8, 0])}, bytes(8), "outside"),
        ({"a": _entry(offsets=[0, 16], shape=[4])}, bytes(8), "outside"),
        ({"a": _entry(), "b": _entry(offsets=[4, 12])}, bytes(12), "overlap"),
        ({"a": _entry(), "b": _entry(offsets=[12, 20])}, bytes(20), "no tensor"),
        ({"a": _entry()}, bytes(12), "no tensor"),
        ({"__metadata__": {"a": 1}}, b"", "not text"),
        ({"__metadata__": []}, b"", "not text"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    tmp_path: Path, header: object, body: bytes, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_safetensors(_file(tmp_path / "a", header, body))


def test_a_huge_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(ValueError, match="claims a header"):
        read_safetensors(tmp_path / "a")


def test_an_unknown_dtype_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        write_safetensors(tmp_path / "a", {"z": torch.zeros(2, dtype=torch.complex64)})
