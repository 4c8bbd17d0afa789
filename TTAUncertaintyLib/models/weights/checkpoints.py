"""Reading what training leaves behind: a state dict, beside it the optimizer and the progress."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor

from ...errors import ModelError
from .archives import check_weights

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


class _Discarded:
    """What a NumPy number becomes: it takes everything and does nothing."""

    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the state dict of a checkpoint; pickled code is refused, not run.

    Parameters
    ----------
    path
        A file of `torch.save`: a state dict, or a dictionary that holds one as "state_dict".
        Names that `torch.nn.DataParallel` put "module." before lose it.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or holds no state dict.
    """
    if not path.is_file():
        raise ModelError(f"The weights file {path} does not exist.", "Check the path.")
    check_weights(path)
    try:
        with _numpy_numbers_discarded():
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle brings about any of them, too little memory too
        lines = str(error).splitlines() or [type(error).__name__]
        raise ModelError(
            f"The weights file {path} is damaged, or holds more than numbers ({lines[0]}).",
            "Where it was trained, save its state dict alone: "
            "torch.save(network.state_dict(), path).",
        ) from error
    state = loaded.get(_KEY, loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise ModelError(
            f"The weights file {path} does not hold a state dict, nor one as '{_KEY}'.",
            "Where it was trained, save it: torch.save(network.state_dict(), path).",
        )
    if state and all(name.startswith(_PARALLEL) for name in state):
        return {name[len(_PARALLEL) :]: value for name, value in state.items()}
    return dict(state)


def _numpy_numbers_discarded() -> AbstractContextManager[object]:
    """Let NumPy's numbers be read as nothing; a torch that cannot (before 2.6) refuses them."""
    if not hasattr(torch.serialization, "safe_globals"):
        return nullcontext()
    return torch.serialization.safe_globals([(_Discarded, name) for name in _NUMPY_NUMBERS])
