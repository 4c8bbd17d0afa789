"""From a checkpoint to the weights that ship, and back to a network."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from TTAUncertaintyLib.models.networks.pyramid_flow import (
    PyramidFlowArchitecture,
    PyramidFlowNetwork,
)
from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors, write_safetensors

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
    metadata = {"architecture": str(state["architecture"]), "steps": str(state["done"]), **about}
    write_safetensors(path, tensors, metadata)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_network(path: Path) -> PyramidFlowNetwork:
    """Build the network that a weights file describes, in evaluation mode and float32.

    Raises
    ------
    ValueError
        If the file is damaged, or does not hold this network's weights.
    """
    tensors, metadata = read_safetensors(path)
    if "architecture" not in metadata:
        raise ValueError(f"{path} does not say which architecture its weights belong to.")
    network = PyramidFlowNetwork(PyramidFlowArchitecture.from_json(metadata["architecture"]))
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise ValueError(f"{path} does not hold the weights of this network: {error}") from error
    return network.eval()
