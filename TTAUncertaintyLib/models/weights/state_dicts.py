"""Reading weights files without ever running what is in them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import ModelError
from ...geometry import sha256
from ..contract import ModelDescription, WeightsFile
from .archives import check_weights
from .safetensors_io import read_safetensors

#: NumPy's numbers, such as the learning rate in an optimizer's state, are made by these. torch does
#: not allow them by default, and nothing of them is needed.
_NUMPY_NUMBERS = (
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "_codecs.encode",
)

_KEY = "state_dict"
_PARALLEL = "module."

_SAVE = (
    "Get it again from its publisher; or, where it was trained, save its state dict alone: "
    "torch.save(network.state_dict(), path)."
)


class _Discarded:
    """What a NumPy number becomes: it takes everything and does nothing."""

    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a state dict; pickled code is refused, not run.

    Parameters
    ----------
    path
        A safetensors file, or one of `torch.save`: a state dict, or what training leaves behind,
        a dictionary that holds one as "state_dict". Names that `torch.nn.DataParallel` put
        "module." before lose it.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or holds no state dict.
    """
    if not path.is_file():
        raise ModelError(f"The weights file {path} does not exist.", "Check the path.")
    if path.suffix == ".safetensors":
        try:
            return read_safetensors(path)[0]
        except (OSError, ValueError) as error:
            raise ModelError(f"The weights file {path} cannot be used: {error}", _SAVE) from error
    check_weights(path)
    try:
        with _numpy_numbers_discarded():
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError as error:
        raise ModelError(
            f"The weights file {path} claims more than fits into memory.",
            "It is damaged, or hostile: get it again from where it came from.",
        ) from error
    except Exception as error:  # a damaged pickle brings about any of them
        lines = str(error).splitlines() or [type(error).__name__]
        raise ModelError(
            f"The weights file {path} is damaged, or holds more than numbers: it is no plain state "
            f"dict ({lines[0]}).",
            _SAVE,
        ) from error
    state = loaded.get(_KEY, loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise ModelError(
            f"The weights file {path} does not hold a state dict, nor one as '{_KEY}'.", _SAVE
        )
    if state and all(name.startswith(_PARALLEL) for name in state):
        return {name[len(_PARALLEL) :]: value for name, value in state.items()}
    return dict(state)


def _numpy_numbers_discarded() -> AbstractContextManager[object]:
    """Let NumPy's numbers be read as nothing; a torch that cannot (before 2.6) refuses them."""
    if not hasattr(torch.serialization, "safe_globals"):
        return nullcontext()
    return torch.serialization.safe_globals([(_Discarded, name) for name in _NUMPY_NUMBERS])


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
    published = description.published
    if published is None or published.sha256 is None:
        return WeightsFile(path, digest, None)
    return WeightsFile(path, digest, digest in (published.sha256, published.converted_sha256))
