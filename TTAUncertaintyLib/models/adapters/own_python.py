"""A network in somebody's own Python file, run only after they agreed to it.

Two shapes of class are taken. Where the manifest has the sections input and output, the class is a
network, a `torch.nn.Module` that is called as they say. Where it has neither, the class has the
methods `prepare` and `predict` of `RegistrationModel`; what else the contract asks for is filled in
here, where the class does not have it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ModelError, TTAUncertaintyError
from ...geometry import Image, Matrix
from ..contract import NO_OPTIONS, PreparedPair
from ..manifest import Manifest
from .manifest_files import ask_for_consent, read_program, verified
from .manifest_network import ManifestNetwork, checked_field


def load_own_python(
    manifest: Manifest, options: Mapping[str, str] = NO_OPTIONS, trust_code: bool = False
) -> OwnNetwork | OwnModel:
    """Load the class of a manifest of kind `python`.

    Parameters
    ----------
    manifest
        Names the file and the class. The class is called with the manifest as its one argument,
        and finds its own files beside `manifest.path`.

    Raises
    ------
    ModelError
        If a file is missing or another one, or the class is not there, cannot be made, or lacks
        what it needs; the message names file and line.
    ConsentNeeded
        If nobody agreed; nothing has run then.
    """
    verified(manifest)
    manifest.description().chosen(options)
    if not trust_code:
        raise ask_for_consent(manifest, "is Python code")
    own = _made(manifest)
    return OwnModel(own, manifest) if manifest.input is None else OwnNetwork(own, manifest)


class OwnNetwork(ManifestNetwork):
    """A network of somebody's own that is called as its manifest says.

    Raises
    ------
    ModelError
        If it is no `torch.nn.Module`, or fails.
    """

    def __init__(self, own: Any, manifest: Manifest) -> None:
        if not isinstance(own, nn.Module):
            raise ModelError(
                f"{_class(manifest)} is no torch.nn.Module, and the manifest has the sections "
                "input and output.",
                "Derive it from torch.nn.Module, or leave both sections out and give it the "
                "methods prepare and predict.",
            )
        super().__init__(own, manifest, verified(manifest))

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register a batch; see `RegistrationModel.predict`."""
        with _told(self.manifest):
            return super().predict(moving, fixed)


class OwnModel:
    """A class of somebody's own that meets the contract by itself.

    Raises
    ------
    ModelError
        If it lacks a method, fails, or answers something else than the contract says.
    """

    def __init__(self, own: Any, manifest: Manifest) -> None:
        for method in ("prepare", "predict"):
            if not callable(getattr(own, method, None)):
                raise ModelError(
                    f"{_class(manifest)} has no method '{method}'.",
                    "It needs prepare(fixed, moving, initial) and predict(moving, fixed); or give "
                    "the manifest the sections input and output, and the class is a network.",
                )
        self.own = own
        self.manifest = manifest
        self.description = getattr(own, "description", None) or manifest.description()
        self.weights = getattr(own, "weights", None) or verified(manifest)
        self.options = dict(getattr(own, "options", None) or {})

    @property
    def has_dropout(self) -> bool:
        """Whether the class says that `set_dropout` changes anything."""
        return bool(getattr(self.own, "has_dropout", False))

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Prepare; see `RegistrationModel.prepare`."""
        with _told(self.manifest):
            pair = self.own.prepare(fixed, moving, initial)
        if not isinstance(pair, PreparedPair):
            raise ModelError(
                f"{_class(self.manifest)}: prepare answers a {type(pair).__name__}.",
                "It has to answer a PreparedPair.",
            )
        for name, tensor in (("moving", pair.moving), ("fixed", pair.fixed)):
            if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
                raise ModelError(
                    f"{_class(self.manifest)}: prepare answers '{name}' as {tensor.dtype} on "
                    f"{tensor.device}.",
                    "It has to be float32 on the CPU.",
                )
            if not bool(torch.isfinite(tensor).all()):
                raise ModelError(
                    f"{_class(self.manifest)}: prepare answers NaN or infinite values for "
                    f"'{name}'.",
                    "Check how it normalises.",
                )
        return pair

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register a batch; see `RegistrationModel.predict`."""
        with _told(self.manifest):
            answer = self.own.predict(moving, fixed)
        shape = (fixed.shape[0], 3, *fixed.shape[2:])
        return checked_field(answer, shape, self.manifest.name).float()

    def place(self, device: torch.device, channels_last: bool = False) -> None:
        """Move it to a device, where it can be moved; see `RegistrationModel.place`."""
        with _told(self.manifest):
            if callable(getattr(self.own, "place", None)):
                self.own.place(device, channels_last)
            elif isinstance(self.own, nn.Module):
                self.own.to(device)

    def set_dropout(self, active: bool) -> None:
        """Switch its dropout layers; see `RegistrationModel.set_dropout`."""
        with _told(self.manifest):
            if callable(getattr(self.own, "set_dropout", None)):
                self.own.set_dropout(active)


def _made(manifest: Manifest) -> Any:
    """Run the file, and make its class."""
    path = manifest.network_file
    source = read_program(manifest)
    module = ModuleType(f"ttauncertainty_own_{manifest.sha256[:16]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses and pickling look their module up
    with _told(manifest):
        exec(compile(source, str(path), "exec"), module.__dict__)
    own = getattr(module, manifest.class_name or "", None)
    if not callable(own):
        raise ModelError(
            f"{path} has no class '{manifest.class_name}'.", "Check 'class' in the manifest."
        )
    make: Callable[[Manifest], Any] = own
    with _told(manifest):
        return make(manifest)


@contextmanager
def _told(manifest: Manifest) -> Iterator[None]:
    """Turn what goes wrong in somebody's code into a message with file and line.

    Memory that runs out stays what it is, since the engine has an answer to that; so do the
    library's own errors, which say already what to do.
    """
    path = manifest.network_file
    try:
        yield
    except (TTAUncertaintyError, MemoryError, torch.OutOfMemoryError):
        raise
    except SyntaxError as error:
        raise ModelError(f"{error.filename}, line {error.lineno}: {error.msg}.") from error
    except (Exception, SystemExit) as error:
        if "out of memory" in str(error).lower():
            raise
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if Path(frame.filename) == path]
        where = f"{path}, line {own[-1].lineno}, in {own[-1].name}" if own else str(path)
        raise ModelError(
            f"{where}: {type(error).__name__}: {error}", "This is an error in that code."
        ) from error


def _class(manifest: Manifest) -> str:
    return f"The class '{manifest.class_name}' in {manifest.network_file}"
