"""Checkpoints of TransMorph as they are published, and manifests beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from TTAUncertaintyLib.models.networks.transmorph import TransMorphNetwork
from TTAUncertaintyLib.models.networks.transmorph_architecture import TransMorphArchitecture

from .drawn_network import draw_weights
from .manifests import write_beside

#: A network of seconds; all its windows are padded somewhere.
SMALL: dict[str, Any] = {
    "img_size": [32, 64, 96],
    "embed_dim": 8,
    "depths": [2, 2, 2, 2],
    "num_heads": [2, 2, 4, 4],
    "window_size": [2, 3, 4],
    "reg_head_chan": 4,
}


def drawn_network(config: Mapping[str, Any]) -> TransMorphNetwork:
    """Return a network with weights that are always the same."""
    network = TransMorphNetwork(TransMorphArchitecture.from_config(config)).eval()
    draw_weights(network, last="reg_head")
    return network


def published_state(network: TransMorphNetwork) -> dict[str, Tensor]:
    """Return a state dict with all that the publisher's code keeps in it."""
    axes = [torch.arange(n) for n in network.architecture.img_size]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij")).float()[None]
    constants = dict(network.named_buffers())
    return {**network.state_dict(), **constants, "spatial_trans.grid": grid}


def write_manifest(weights: Path, config: Mapping[str, Any], **changed: Any) -> Path:
    """Write a manifest beside a weights file, as one would for the publisher's images."""
    seen = {
        "shape": config.get("img_size", [160, 192, 224]),
        "spacing_mm": 1.0,
        "orientation": "LIA",
        "array_order": "ijk",
        "center": "foreground",
        "affine_alignment": True,
        **changed.pop("input", {}),
    }
    return write_beside(weights, "transmorph", architecture=dict(config), input=seen, **changed)
