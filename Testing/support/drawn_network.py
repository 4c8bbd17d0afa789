"""Weights and images that are the same for two implementations of one network."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn


def draw_weights(network: nn.Module, last: str, spread: float = 0.1) -> None:
    """Draw every parameter, under which no part of a network is negligible.

    Each depends on its own name and nothing else, so that two implementations of one network get
    the same numbers; NumPy keeps the sequence of `RandomState` the same in all its versions.

    Parameters
    ----------
    network
        Its parameters are overwritten.
    last
        What the names of the last layer start with.
    spread
        Standard deviation of that layer's weights: it sets how large the answers are.
    """
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            noise = np.random.RandomState(crc32(name.encode())).standard_normal(parameter.shape)
            if "norm" in name and parameter.ndim == 1:
                noise = 0.3 * noise + (1 if name.endswith("weight") else 0)
            elif name.startswith(last) or parameter.ndim == 1:
                noise *= spread
            elif not name.endswith(("bias_table", "pos_embed")):
                noise /= parameter[0].numel() ** 0.5
            parameter.copy_(torch.from_numpy(noise))


def draw_images(shape: tuple[int, int, int]) -> Tensor:
    """Return a moving and a fixed image, float64 [2, 1, 1, *shape], noise from 0 to 1."""
    return torch.from_numpy(np.random.RandomState(0).uniform(size=(2, 1, 1, *shape)))
