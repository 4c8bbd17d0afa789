"""A network as a list of tensor operations, run one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


class Reference(str):
    """The name of a value that an input, a weight or an earlier operation has."""

    __slots__ = ()


class OnDevice:
    """Stands for the device that the network runs on, whichever it was exported for."""


@dataclass(frozen=True)
class Operation:
    """One operation."""

    #: For messages.
    name: str
    #: What is called.
    call: Callable[..., Any]
    #: Its arguments; `Reference` and `OnDevice`, also within lists, are filled in when it runs.
    positional: Sequence[Any]
    by_name: Mapping[str, Any]
    #: Names of its results: one name, several, or one list of names; None for one that nobody
    #: needs.
    results: Sequence[Any]

    @property
    def needs(self) -> set[str]:
        """Names of the values that it takes."""
        return _references([list(self.positional), list(self.by_name.values())])


class Program:
    """Operations that run one after the other.

    Parameters
    ----------
    operations
        In the order in which they run.
    """

    def __init__(
        self, inputs: Sequence[str], operations: Sequence[Operation], outputs: Sequence[str]
    ) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        last_use = {
            name: number for number, operation in enumerate(operations) for name in operation.needs
        }
        # with each operation, the values that nobody needs after it
        self._steps = [
            (each, [n for n in each.needs if last_use[n] == number and n not in self.outputs])
            for number, each in enumerate(operations)
        ]

    def run(self, values: dict[str, Any], device: torch.device) -> tuple[Any, ...]:
        """Run the operations on values by name; returns the outputs."""
        for operation, done in self._steps:
            answer = operation.call(
                *_filled(operation.positional, values, device),
                **{name: _filled(one, values, device) for name, one in operation.by_name.items()},
            )
            _keep(operation.results, answer, values)
            for name in done:
                del values[name]
        return tuple(values[name] for name in self.outputs)


@dataclass(frozen=True)
class Block:
    """A program within one, which runs under a mode of its own."""

    #: What runs.
    program: Program
    #: None: as everything around it. Otherwise whether autocast is on, and its type.
    autocast: tuple[bool, torch.dtype | None] | None

    def __call__(self, *given: Any, device: torch.device) -> Any:
        """Run the program; returns what it answers."""
        mode: AbstractContextManager[object] = nullcontext()
        if self.autocast is not None:
            enabled, dtype = self.autocast
            mode = torch.autocast(device.type, dtype=dtype, enabled=enabled)
        with mode:
            answers = self.program.run(dict(zip(self.program.inputs, given, strict=True)), device)
        return answers[0] if len(answers) == 1 else answers


class ExportedGraph(nn.Module):
    """A network of operations.

    Parameters
    ----------
    program
        Its inputs are the images first, then the tensors.
    input_sizes
        Of each image; None for a size that may vary.
    """

    def __init__(
        self,
        program: Program,
        tensors: Mapping[str, Tensor],
        input_sizes: Sequence[tuple[int | None, ...]],
    ) -> None:
        super().__init__()
        self.input_sizes = tuple(input_sizes)
        self._program = program
        # a module's buffers follow it to a device; their names there may not hold dots
        self._names = list(tensors)
        for number, tensor in enumerate(tensors.values()):
            self.register_buffer(f"tensor_{number}", tensor)

    def forward(self, *images: Tensor) -> Any:
        """Run the operations; returns the one answer, or all of several."""
        tensors = (getattr(self, f"tensor_{number}") for number in range(len(self._names)))
        values = dict(zip(self._names, tensors, strict=True))
        images_by_name = zip(self._program.inputs[: len(self.input_sizes)], images, strict=True)
        answers = self._program.run(values | dict(images_by_name), images[0].device)
        return answers[0] if len(answers) == 1 else answers


def _references(value: Any) -> set[str]:
    """Return the names in an operation's arguments."""
    if isinstance(value, Reference):
        return {str(value)}
    if isinstance(value, list):
        return set().union(*(_references(one) for one in value))
    return set()


def _filled(value: Any, values: Mapping[str, Any], device: torch.device) -> Any:
    """Put values in the place of names."""
    if isinstance(value, Reference):
        return values[value]
    if isinstance(value, OnDevice):
        return device
    if isinstance(value, list):
        return [_filled(one, values, device) for one in value]
    return value


def _keep(names: Sequence[Any], answer: Any, values: dict[str, Any]) -> None:
    """Note an operation's results under their names."""
    if len(names) == 1:
        answer = (answer,)
    for name, one in zip(names, answer, strict=True) if names else ():
        if isinstance(name, list):
            values.update(zip(name, one, strict=True))
        elif name is not None:
            values[name] = one
