"""What every adapter around a torch network shares: device, memory format, dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..contract import NO_OPTIONS, ModelDescription, WeightsFile


class NetworkModel:
    """Base of adapters whose model is one `torch.nn.Module` that returns voxel displacements.

    Parameters
    ----------
    network
        Called as `network(moving, fixed)`, each [B, 1, D, H, W]; returns displacements
        [B, 3, D, H, W], components (i, j, k), in voxels, fixed to moving.
    options
        What was chosen of the description's options; the defaults where it says nothing.

    Raises
    ------
    ModelError
        If there is no such option or choice.
    """

    def __init__(
        self,
        network: nn.Module,
        description: ModelDescription,
        weights: WeightsFile | None,
        options: Mapping[str, str] = NO_OPTIONS,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.description = description
        self.weights = weights
        self.options = description.chosen(options)
        self._dropout = [
            m for m in network.modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0
        ]
        self._channels_last = False

    @property
    def has_dropout(self) -> bool:
        """Whether the network has dropout layers."""
        return bool(self._dropout)

    def predict(self, moving: Tensor, fixed: Any) -> Tensor:
        """Register a batch; see `RegistrationModel.predict`."""
        if self._channels_last:
            moving = moving.contiguous(memory_format=torch.channels_last_3d)
            if isinstance(fixed, Tensor):
                fixed = fixed.contiguous(memory_format=torch.channels_last_3d)
        return _plus_identity(self.network(moving, fixed))

    def place(self, device: torch.device, channels_last: bool = False) -> None:
        """Move the weights; see `RegistrationModel.place`."""
        self._channels_last = channels_last
        layout = torch.channels_last_3d if channels_last else torch.contiguous_format
        self.network.to(device)
        self.network.to(memory_format=layout)  # type: ignore[call-overload]

    def set_dropout(self, active: bool) -> None:
        """Switch the dropout layers; see `RegistrationModel.set_dropout`."""
        for module in self._dropout:
            module.train(active)


def _plus_identity(displacement: Tensor) -> Tensor:
    """Add each voxel's own coordinates, in float32 whatever the network computed in."""
    result = displacement.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    for component, axis in enumerate((-1, -2, -3)):
        n = result.shape[axis]
        shape = [1, 1, 1]
        shape[axis] = n
        result[:, component] += torch.arange(n, dtype=torch.float32, device=result.device).view(
            shape
        )
    return result
