"""From a checkpoint to the weights that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from TTAUncertaintyLib.geometry import sha256
from TTAUncertaintyLib.models.weights.described import ARCHITECTURE
from TTAUncertaintyLib.models.weights.safetensors_io import write_safetensors

WEIGHTS_NAME = "tta_pyramid_flow.safetensors"


def export_weights(state: dict[str, Any], path: Path, about: dict[str, str]) -> str:
    """Write the averaged weights of a checkpoint in half precision.

    Parameters
    ----------
    state
        From `Trainer.state`.
    about
        Free text for the header, beside the architecture.

    Returns
    -------
    str
        The file's SHA-256, hexadecimal.
    """
    tensors = {name: tensor.to(torch.float16) for name, tensor in state["average"].items()}
    metadata = {ARCHITECTURE: str(state["architecture"]), "steps": str(state["done"]), **about}
    write_safetensors(path, tensors, metadata)
    return sha256(path)
