"""Networks that were exported to a file: `torch.export` (.pt2) and TorchScript."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ModelError
from ..contract import NO_OPTIONS
from ..manifest import Kind, Manifest, PassedAs
from ..networks.exported_graph import ExportedGraph
from ..weights.exported_program import BeyondArithmeticError, read_exported_program
from ..weights.torchscript import read_torchscript
from .manifest_files import ask_for_consent, read_program, verified
from .manifest_network import ManifestNetwork


class ExportedNetwork(ManifestNetwork):
    """A network in a file that holds its computation.

    Parameters
    ----------
    manifest
        Of kind `torch-export` or `torchscript`.
    trust_code
        Whether the person agreed to run a program: every TorchScript file is one, and a file of
        `torch.export` that could do more than arithmetic.

    Raises
    ------
    ModelError
        If the file is missing, damaged, another one, or made for images of another size.
    ConsentNeeded
        If it is a program, and nobody agreed to run it. Nothing of it has run.
    """

    def __init__(
        self,
        manifest: Manifest,
        options: Mapping[str, str] = NO_OPTIONS,
        trust_code: bool = False,
    ) -> None:
        weights = verified(manifest)
        manifest.description().chosen(options)
        try:
            network = _read(manifest, trust_code)
        except BeyondArithmeticError as error:
            raise ask_for_consent(
                manifest, f"is a program that could do more than arithmetic: {error}"
            ) from error
        super().__init__(network, manifest, weights)
        self._device = torch.device("cpu")

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register a batch; see `RegistrationModel.predict`.

        Raises
        ------
        ModelError
            If the program fails, or answers something else than its manifest says.
        """
        try:
            return super().predict(moving, fixed)
        except RuntimeError as error:
            text = str(error)
            if "out of memory" in text.lower() or isinstance(error, torch.OutOfMemoryError):
                raise
            if "same device" in text or "device type" in text or "CUDA" in text:
                raise ModelError(
                    f"The network '{self.description.name}' was exported for another device than "
                    f"{moving.device}: {_last_line(text)}",
                    "Run it there (--device), or export it again without a device written into it.",
                ) from error
            raise ModelError(
                f"The network '{self.description.name}' fails on images of "
                f"{' x '.join(map(str, moving.shape[2:]))}: {_last_line(text)}",
                "Check shape, multiple, array_order and passed_as in its manifest.",
            ) from error


def _read(manifest: Manifest, trust_code: bool) -> nn.Module:
    path = manifest.network_file
    if manifest.kind is Kind.TORCHSCRIPT:
        if not trust_code:
            raise ask_for_consent(
                manifest,
                "is a TorchScript program, which can run code while it is read",
                "Or have it exported with torch.export, whose files are read without running.",
            )
        return read_torchscript(path, read_program(manifest))
    try:
        graph = read_exported_program(path)
    except BeyondArithmeticError:
        if not trust_code:
            raise
        return _load_trusted(manifest)
    _check_sizes(manifest, graph)
    batch = graph.input_sizes[0][0]
    return graph if batch in (None, 1) else _InBatches(graph, int(batch or 1))


def _load_trusted(manifest: Manifest) -> nn.Module:
    """Let torch load a program that the person trusts."""
    path = manifest.network_file
    try:
        module: nn.Module = torch.export.load(io.BytesIO(read_program(manifest))).module()
    except Exception as error:  # a trusted program may fail in any way
        raise ModelError(
            f"{path} cannot be loaded ({type(error).__name__}: {_last_line(str(error))}).",
            "Export it again with this version of torch.",
        ) from error
    return _Frozen(module)


class _Frozen(nn.Module):
    """An exported module, whose `eval` and `train` torch refuses: it has one mode."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def train(self, mode: bool = True) -> _Frozen:
        self.training = mode
        return self

    def forward(self, *images: Tensor) -> Any:
        return self.module(*images)


class _InBatches(nn.Module):
    """A graph that was exported for a batch of several: one image fills it, one answer counts."""

    def __init__(self, graph: ExportedGraph, batch: int) -> None:
        super().__init__()
        self.graph = graph
        self.batch = batch

    def forward(self, *images: Tensor) -> Any:
        answer = self.graph(*(i.expand(self.batch, *i.shape[1:]).contiguous() for i in images))
        return answer[:1] if isinstance(answer, Tensor) else answer


def _check_sizes(manifest: Manifest, graph: ExportedGraph) -> None:
    """Refuse a manifest whose images do not fit into the graph."""
    spec = manifest.input
    if spec is None:
        raise ValueError("An exported network's manifest has a section 'input'.")
    channels = spec.passed_as is PassedAs.CHANNELS
    sizes = graph.input_sizes
    if len(sizes) != (1 if channels else 2):
        raise ModelError(
            f"{manifest.network_file} takes {len(sizes)} inputs, and the manifest {manifest.path} "
            f"says '{spec.passed_as.value}'.",
            "Two images are two inputs ('arguments') or two channels of one ('channels'). "
            "torch.export makes one input of two if it is shown the same tensor twice.",
        )
    for size in sizes:
        wanted = (size[0], 2 if channels else 1, *(spec.shape or (None, None, None)))
        if len(size) != 5 or any(n not in (None, m) for n, m in zip(size, wanted, strict=True)):
            raise ModelError(
                f"{manifest.network_file} was exported for arrays of {_sizes(size)}, and the "
                f"manifest {manifest.path} gives it {_sizes(wanted)}.",
                "Write its sizes into input.shape, in the array's own order.",
            )


def _sizes(size: tuple[int | None, ...]) -> str:
    return " x ".join("any" if n is None else str(n) for n in size)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason given"
