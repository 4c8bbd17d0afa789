"""Reading TorchScript files, and telling first what they could do.

A TorchScript file is a program. Loading one runs the methods `__setstate__` of its classes, and its
operations can write files (`aten::save`), read them (`aten::from_file`) or reach C++ classes of
torch. What is looked at here: the archive and the two pickles in it, before anything is loaded;
and, once it is loaded, the compiled graph of `forward`, which is exactly what a pass runs.
"""

from __future__ import annotations

import io
import pickletools
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...errors import ModelError
from .archives import read_members
from .exported_program import BeyondArithmeticError
from .operations import is_arithmetic

#: What the pickles of a TorchScript file may name, besides the classes that it brings.
_PICKLED = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
}

#: Opcodes by which a pickle names something in another way than by GLOBAL.
_NAMING = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"}

#: Operations of the compiled graph that are not tensor operations: its own bookkeeping.
_CONTROL_NAMES = """
prim::Constant prim::GetAttr prim::ListConstruct prim::ListUnpack prim::TupleConstruct
prim::TupleUnpack prim::TupleIndex prim::DictConstruct prim::If prim::Loop prim::NumToTensor
prim::RaiseException prim::Uninitialized prim::unchecked_cast prim::unchecked_unwrap_optional
prim::device prim::dtype prim::layout prim::is_cuda prim::data prim::requires_grad prim::min
prim::max prim::abs aten::Int aten::Float aten::Bool aten::FloatImplicit aten::IntImplicit
aten::ScalarImplicit aten::len aten::__getitem__ aten::__contains__ aten::__is__ aten::__isnot__
aten::__not__ aten::__and__ aten::__or__ aten::__range_length aten::__derive_index aten::append
aten::extend aten::list aten::keys aten::values aten::items aten::format aten::percentFormat
aten::str aten::warn aten::floordiv aten::mod aten::_set_item aten::device aten::_unwrap_optional
aten::is_autocast_enabled
"""
_CONTROL = frozenset(_CONTROL_NAMES.split())


def read_torchscript(path: Path, trusted: bool) -> nn.Module:
    """Load a TorchScript file, onto the CPU.

    Parameters
    ----------
    path
        The file.
    trusted
        Whether the person agreed to run whatever it is. The archive is checked anyhow.

    Raises
    ------
    ModelError
        If it is damaged, or no TorchScript file.
    BeyondArithmeticError
        If it is not trusted, and could do more than arithmetic; it has not been run then.
    """
    members = read_members(path)
    if "data.pkl" not in members or not any(name.startswith("code/") for name in members):
        raise ModelError(
            f"{path} is no TorchScript file: it brings no code.",
            "Save it with torch.jit.save; a state dict goes with a manifest of another kind.",
        )
    if not trusted:
        _check_before_loading(path, members)
    try:
        # written anew from what was looked at: another reader of archives sees nothing else
        with warnings.catch_warnings():
            # torch advises those who write such files to export them otherwise
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.load(io.BytesIO(_written_anew(members)), map_location="cpu")
    except (RuntimeError, ValueError, EOFError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is damaged, or is no TorchScript that this torch reads "
            f"({str(error).strip().splitlines()[-1]}).",
            "Export it again.",
        ) from error
    if not trusted:
        _check_graph(module)
    return module


def _check_before_loading(path: Path, members: Mapping[str, bytes]) -> None:
    for name, data in members.items():
        if name.startswith("code/") and name.endswith(".py"):
            for word in (b"__setstate__", b"torch.classes"):
                if word in data:
                    raise BeyondArithmeticError(f"it runs code when it is loaded ({word.decode()})")
    for name in ("data.pkl", "constants.pkl"):
        if name in members:
            _check_pickle(path, name, members[name])


def _check_pickle(path: Path, name: str, data: bytes) -> None:
    """Refuse a pickle that names anything but tensors and the classes that the file brings."""
    try:
        operations = list(pickletools.genops(data))
    except ValueError as error:
        raise ModelError(f"{path} is damaged: '{name}' is no pickle ({error}).") from error
    for opcode, argument, _ in operations:
        if opcode.name in _NAMING:
            raise BeyondArithmeticError(f"its '{name}' builds names while it is read")
        if opcode.name != "GLOBAL":
            continue
        named = str(argument)
        known = named in _PICKLED or named.startswith("torch.jit._pickle ")
        storage = named.startswith("torch ") and named.endswith("Storage")
        own = named.startswith("__torch__.") and "torch.classes" not in named
        if not (known or storage or own):
            raise BeyondArithmeticError(f"its '{name}' holds an object '{named[:100]}'")


def _written_anew(members: Mapping[str, bytes]) -> bytes:
    """Return an archive of the parts that a network needs, and of no others."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            code = name.startswith("code/") and name.endswith(".py")
            tensors = name.startswith(("data/", "constants/"))
            if code or tensors or name in ("data.pkl", "constants.pkl", "version", "byteorder"):
                archive.writestr(f"network/{name}", data)
    return buffer.getvalue()


def _check_graph(module: Any) -> None:
    """Refuse a compiled network whose `forward` calls anything but arithmetic."""
    pending = list(module.inlined_graph.nodes())
    while pending:
        node = pending.pop()
        for block in node.blocks():
            pending.extend(block.nodes())
        kind = node.kind()
        room, _, name = kind.partition("::")
        if kind in _CONTROL or (room == "aten" and is_arithmetic(name)):
            continue
        raise BeyondArithmeticError(f"it calls {kind[:100]}")
