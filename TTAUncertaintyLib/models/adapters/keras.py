"""VoxelMorph's Keras networks behind the contract: the file that Keras saved, and a manifest.

A network of the package (`VxmDense`), or the diffeomorphic one of 2018. What it is, the file says;
how its images have to lie, the manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..manifest import InputSpec
from ..networks.vxm_2018 import Vxm2018Network
from ..networks.vxm_dense import VxmDenseNetwork
from ..weights.keras_h5 import read_keras
from .own_checkpoint import OwnCheckpoint, in_multiples


class KerasNetwork(OwnCheckpoint):
    """A network of VoxelMorph's Keras code with weights from a local .h5 file."""

    @staticmethod
    def architecture_of(
        section: Mapping[str, Any], weights: Path
    ) -> VxmDenseNetwork | Vxm2018Network:
        """Return the network itself: nothing but its file says what it is."""
        if section:
            raise ValueError("leave it out: the file says what network it is.")
        return read_keras(weights)

    @staticmethod
    def read(network: VxmDenseNetwork | Vxm2018Network, weights: Path) -> nn.Module:
        """Return the network, its components in the order of the arrays' axes."""
        return _AlongAxes(network)

    @staticmethod
    def fitting(
        spec: InputSpec, network: VxmDenseNetwork | Vxm2018Network, path: Path
    ) -> InputSpec:
        """Return the section with sizes that the network's levels can halve."""
        return in_multiples(spec, network.architecture.shape_multiple, path)


class _AlongAxes(nn.Module):
    """Component n along axis n, as Keras's arrays have them."""

    def __init__(self, network: VxmDenseNetwork | Vxm2018Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        field: Tensor = self.network(moving, fixed)
        return field.flip(1)
