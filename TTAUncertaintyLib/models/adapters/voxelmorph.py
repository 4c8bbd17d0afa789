"""VoxelMorph behind the contract: a checkpoint of one's own, and the manifest beside it.

A network that was trained with VoxelMorph's torch package (0.3.x), `VxmPairwise`; its checkpoint is
the state dict. It answers at each voxel of the fixed image (the package's target) where in the
moving one (the source) it came from, in voxels, components in the order of the array's axes.
Networks that were trained for both directions are the same: the package negates their velocity.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...strict_json import read_as
from ..manifest import InputSpec
from ..networks.vxm_pairwise import VxmPairwiseNetwork
from ..networks.vxm_pairwise_architecture import VxmPairwiseArchitecture
from ..weights.state_dicts import load_strictly, read_state_dict
from .own_checkpoint import OwnCheckpoint, in_multiples


class VoxelMorph(OwnCheckpoint):
    """A `VxmPairwise` with weights from a local file.

    A manifest's `architecture` has the fields of `VxmPairwiseArchitecture`; empty for the package's
    defaults.
    """

    @staticmethod
    def architecture_of(section: Mapping[str, Any], weights: Path) -> VxmPairwiseArchitecture:
        """Return the architecture that a manifest's section says."""
        return read_as(VxmPairwiseArchitecture, section)

    @staticmethod
    def read(architecture: VxmPairwiseArchitecture, weights: Path) -> VxmPairwiseNetwork:
        """Return the network with its weights."""
        network = VxmPairwiseNetwork(architecture)
        load_strictly(network, read_state_dict(weights), weights)
        return network

    @staticmethod
    def fitting(spec: InputSpec, architecture: VxmPairwiseArchitecture, path: Path) -> InputSpec:
        """Return the section with sizes that the network's levels can halve."""
        return in_multiples(spec, architecture.shape_multiple, path)
