"""Reading files of `torch.export` without torch's own reader, which runs what is in them.

`torch.export.load` unpickles, evaluates the text of size expressions as Python, looks operators up
by any dotted name below `torch`, and loads compiled libraries: a hostile file can do anything with
it (its documentation says so). What is needed of a file is a list of tensor operations and the
weights, both plain data. They are read here; a file that needs more is not read.

Source of the format: torch/_export/serde/schema.py, schema version 8.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import ModelError
from ...strict_json import parse_json
from ..networks.exported_graph import Block, ExportedGraph, OnDevice, Operation, Program, Reference
from .archives import read_members
from .operations import is_arithmetic

#: The major version of the schema, as torch 2.13 writes it.
SCHEMA_MAJOR = 8

#: Numbers of torch's types in a file (ScalarType of the schema).
_TYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_STRIDED = 7

#: Arithmetic on sizes, by the names that it has in a file.
_SIZE_ARITHMETIC: dict[str, Callable[..., Any]] = {
    **{
        f"_operator.{name}": getattr(operator, name)
        for name in ("add", "sub", "mul", "floordiv", "truediv", "mod", "neg")
    },
    **{
        f"_operator.{name}": getattr(operator, name)
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    },
    **{f"math.{name}": getattr(math, name) for name in ("trunc", "ceil", "floor")},
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_float": float,
    "torch.sym_int": int,
}

_AUTOCAST = "torch.ops.higher_order.wrap_with_autocast"
#: Parts of a graph that run under a mode.
_BLOCKS = (_AUTOCAST, "torch.ops.higher_order.wrap_with_set_grad_enabled")


class BeyondArithmeticError(Exception):
    """A file asks for something that is not arithmetic; the message names it."""


def read_exported_program(path: Path) -> ExportedGraph:
    """Read a file of `torch.export.save`.

    Returns
    -------
    ExportedGraph
        The network, in float32 or what it was exported in, on the CPU.

    Raises
    ------
    ModelError
        If the file is damaged or of another version.
    BeyondArithmeticError
        If its program is not arithmetic alone.
    """
    members = read_members(path)
    if any(name.startswith("data/aotinductor/") for name in members):
        raise BeyondArithmeticError("it carries compiled libraries")
    try:
        program = parse_json(members["models/model.json"])
        version = program["schema_version"]["major"]
        if version != SCHEMA_MAJOR:
            raise ModelError(
                f"{path} was exported with schema version {version}; {SCHEMA_MAJOR} is read here.",
                "Export it again with torch 2.13, or another version that writes that schema.",
            )
        return _Reader(members, program["graph_module"]).graph()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ModelError(
            f"{path} is damaged, or not what torch.export.save writes "
            f"({type(error).__name__}: {error}).",
            "Export it again with torch 2.13, or another version that writes that schema.",
        ) from error


class _Reader:
    """One file being read."""

    def __init__(self, members: Mapping[str, bytes], module: Mapping[str, Any]) -> None:
        self._members = members
        self._module = module
        self._payloads: dict[str, Tensor] = {}

    def graph(self) -> ExportedGraph:
        graph = self._module["graph"]
        weights = self._tensors("data/weights/", "model_weights_config.json")
        constants = self._tensors("data/constants/", "model_constants_config.json")
        inputs: list[str] = []
        tensors: dict[str, Tensor] = {}
        for spec in self._module["signature"]["input_specs"]:
            ((kind, about),) = spec.items()
            if kind == "user_input":
                inputs.append(about["arg"]["as_tensor"]["name"])
            elif kind == "parameter":
                tensors[about["arg"]["name"]] = weights[about["parameter_name"]]
            elif kind == "buffer":
                known = weights if about["persistent"] else constants
                tensors[about["arg"]["name"]] = known[about["buffer_name"]]
            elif kind == "tensor_constant":
                tensors[about["arg"]["name"]] = constants[about["tensor_constant_name"]]
            else:
                raise BeyondArithmeticError(f"it takes a {kind}")
        outputs = []
        for spec in self._module["signature"]["output_specs"]:
            ((kind, about),) = spec.items()
            if kind != "user_output":
                raise BeyondArithmeticError(f"it has a {kind}: it changes itself as it runs")
            outputs.append(_reference(about["arg"]))
        program = Program([*inputs, *tensors], _operations(graph["nodes"]), outputs)
        sizes = [
            tuple(size.get("as_int") for size in graph["tensor_values"][name]["sizes"])
            for name in inputs
        ]
        return ExportedGraph(program, tensors, sizes)

    def _tensors(self, folder: str, config: str) -> dict[str, Tensor]:
        payloads = parse_json(self._members[folder + config])["config"]
        return {name: self._tensor(folder, about) for name, about in payloads.items()}

    def _tensor(self, folder: str, about: Mapping[str, Any]) -> Tensor:
        """Return a stored tensor, as a view of its record where several share one."""
        meta = about["tensor_meta"]
        if about["use_pickle"] or meta is None:
            raise BeyondArithmeticError("it holds pickled objects")
        if meta["layout"] != _STRIDED:
            raise BeyondArithmeticError("it holds tensors that are not stored as plain arrays")
        dtype = _TYPES[meta["dtype"]]
        record = folder + about["path_name"]
        size, stride = ([n["as_int"] for n in meta[key]] for key in ("sizes", "strides"))
        if record not in self._payloads:
            data = bytearray(self._members[record])
            flat = torch.frombuffer(data, dtype=dtype) if data else torch.zeros(0, dtype=dtype)
            self._payloads[record] = flat
        flat = self._payloads[record]
        if flat.dtype != dtype:
            raise ValueError(f"'{record}' is of two types")
        return _strided(flat, size, stride, meta["storage_offset"]["as_int"])


def _strided(flat: Tensor, size: list[int], stride: list[int], offset: int) -> Tensor:
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    negative = min([offset, *size, *stride]) < 0
    if 0 in size:
        return flat.new_zeros(size)
    if negative or last >= flat.numel():
        raise ValueError("a tensor reaches beyond its record")
    return flat.as_strided(size, stride, offset).clone()


def _operations(nodes: Sequence[Mapping[str, Any]]) -> list[Operation]:
    """Return the operations of a graph.

    Left out are assertions on the types and devices that tensors had where the network was
    exported: it may run in another precision, and elsewhere.
    """
    assertion = "torch.ops.aten._assert_tensor_metadata."
    return [_operation(node) for node in nodes if not node["target"].startswith(assertion)]


def _operation(node: Mapping[str, Any]) -> Operation:
    target, results = node["target"], _results(node["outputs"])
    if target in _BLOCKS:
        return _block(node, results)
    arguments = [(_named(each), _value(each["arg"])) for each in node["inputs"]]
    if target in _SIZE_ARITHMETIC:
        call = _SIZE_ARITHMETIC[target]
        return Operation(target, call, [value for _, value in arguments], {}, results)
    positional = [value for name, value in arguments if name is None]
    by_name = {name: value for name, value in arguments if name is not None}
    return Operation(target, _operator(target), positional, by_name, results)


def _block(node: Mapping[str, Any], results: list[Any]) -> Operation:
    """Return a part of a graph that was traced under a mode, such as without gradients."""
    modes, arguments = [], [each["arg"] for each in node["inputs"]]
    while "as_graph" not in arguments[0]:
        modes.append(_value(arguments.pop(0)))
    graph = arguments.pop(0)["as_graph"]["graph"]
    inputs, outputs = ([_reference(each) for each in graph[key]] for key in ("inputs", "outputs"))
    program = Program(inputs, _operations(graph["nodes"]), outputs)
    autocast = None
    if node["target"] == _AUTOCAST:
        _, dtype, enabled, _ = modes
        autocast = (bool(enabled), dtype)
    given = [_value(each) for each in arguments]
    return Operation(
        node["target"], Block(program, autocast), given, {"device": OnDevice()}, results
    )


def _operator(target: str) -> Callable[..., Any]:
    """Return an arithmetic operation of the namespace `aten` by its full name."""
    parts = target.split(".")
    if len(parts) != 5 or parts[:3] != ["torch", "ops", "aten"] or not is_arithmetic(parts[3]):
        raise BeyondArithmeticError(f"it calls {target[:100]}")
    packet = getattr(torch.ops.aten, parts[3], None)
    if packet is None or parts[4] not in packet.overloads():
        raise ValueError(f"this torch has no {target}")
    call: Callable[..., Any] = getattr(packet, parts[4])
    return call


def _named(argument: Mapping[str, Any]) -> str | None:
    """Return the name of an argument that is passed by name; None for a positional one."""
    return None if argument.get("kind") == 1 else argument["name"]


def _reference(argument: Mapping[str, Any]) -> str:
    name: str = argument["as_tensor"]["name"]
    return name


def _value(argument: Mapping[str, Any]) -> Any:
    """Return an argument: plain values, and `Reference` where an earlier result is meant."""
    ((kind, value),) = argument.items()
    return _VALUES[kind](value) if kind in _VALUES else _unknown(kind)


def _unknown(kind: str) -> Any:
    raise BeyondArithmeticError(f"it passes an argument '{kind}'")


def _by_name(value: Mapping[str, Any]) -> Reference:
    return Reference(value["name"])


def _symbol(value: Mapping[str, Any]) -> Any:
    """Return a size: a number, or the name of an earlier result."""
    ((kind, one),) = value.items()
    return Reference(one) if kind == "as_name" else _plain(one)


def _optional(value: Mapping[str, Any]) -> Any:
    return _by_name(value["as_tensor"]) if "as_tensor" in value else None


def _plain(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("a value is not plain")
    return value


def _plain_list(value: Any) -> list[Any]:
    return [_plain(one) for one in value]


def _number(value: Any) -> float:
    """Return a float; JSON has no infinities, and torch writes them as text."""
    return float(value)


_VALUES: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda value: None,
    "as_tensor": _by_name,
    "as_tensors": lambda value: [_by_name(one) for one in value],
    "as_optional_tensor": _optional,
    "as_optional_tensors": lambda value: [_optional(one) for one in value],
    "as_int": _plain,
    "as_ints": _plain_list,
    "as_bool": _plain,
    "as_bools": _plain_list,
    "as_string": _plain,
    "as_float": _number,
    "as_floats": lambda value: [_number(one) for one in value],
    "as_sym_int": _symbol,
    "as_sym_ints": lambda value: [_symbol(one) for one in value],
    "as_sym_bool": _symbol,
    "as_sym_float": _symbol,
    "as_scalar_type": lambda value: _TYPES[value],
    "as_memory_format": lambda value: _MEMORY_FORMATS[value],
    "as_layout": lambda value: {_STRIDED: torch.strided}[value],
    "as_device": lambda value: OnDevice(),
}


def _results(outputs: list[Mapping[str, Any]]) -> list[Any]:
    """Return the names of an operation's results: one, several, or a list of them."""
    names: list[Any] = []
    for output in outputs:
        ((kind, value),) = output.items()
        if kind == "as_tensor":
            names.append(value["name"])
        elif kind == "as_tensors":
            names.append([one["name"] for one in value])
        elif kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
            names.append(value["as_name"])
        elif kind == "as_none":
            names.append(None)
        else:
            raise BeyondArithmeticError(f"an operation of it answers '{kind}'")
    return names
