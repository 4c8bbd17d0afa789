"""Reading weights files without ever running what is in them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import ModelError
from ...geometry import sha256
from ..contract import ModelDescription, WeightsFile
from .archives import check_weights


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a torch state dict; pickled code is refused, not run.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or holds anything but tensors by name.
    """
    if not path.is_file():
        raise ModelError(f"The weights file {path} does not exist.", "Check the path.")
    check_weights(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError as error:
        raise ModelError(
            f"The weights file {path} claims more than fits into memory.",
            "It is damaged, or hostile: download it again from its publisher.",
        ) from error
    except Exception as error:  # a damaged pickle brings about any of them
        raise ModelError(
            f"The weights file {path} is damaged or is not a plain state dict "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}).",
            "Download it again from its publisher.",
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()
    ):
        raise ModelError(f"The weights file {path} does not hold a state dict.")
    return state


def is_plain(tensor: Tensor) -> bool:
    """Tell whether a tensor is real numbers in memory: not sparse, quantised, complex or meta."""
    numbers = tensor.layout is torch.strided and tensor.device.type == "cpu"
    return numbers and not (tensor.is_quantized or tensor.is_complex())


def load_strictly(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load a state dict whose names and shapes have to be exactly the network's.

    Raises
    ------
    ModelError
        If they are not; the message names what differs.
    """
    wanted = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in state.items()}
    if wanted != found:
        differing = sorted(
            name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
        )
        raise ModelError(
            f"The weights file {path} does not belong to this model: {len(differing)} of its "
            f"tensors differ in name or shape, for example {differing[0]}.",
            "Give the file that was published for this model.",
        )
    if not all(is_plain(t) for t in state.values()):
        raise ModelError(f"The weights file {path} holds tensors that are no plain numbers.")
    if not all(torch.isfinite(t).all() for t in state.values()):
        raise ModelError(f"The weights file {path} holds NaN or infinite values.")
    network.load_state_dict(state)


def identify(path: Path, description: ModelDescription) -> WeightsFile:
    """Return the record of a weights file, compared with the published hash."""
    digest = sha256(path)
    pinned = description.published.sha256 if description.published else None
    return WeightsFile(path, digest, None if pinned is None else digest == pinned)
