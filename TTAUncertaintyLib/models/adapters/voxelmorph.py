"""VoxelMorph behind the contract: a checkpoint of one's own, and the manifest beside it.

A network that was trained with VoxelMorph's torch package (0.3.x), `VxmPairwise`; its checkpoint is
the state dict. It answers at each voxel of the fixed image (the package's target) where in the
moving one (the source) it came from, in voxels, components in the order of the array's axes.
Networks that were trained for both directions are the same: the package negates their velocity.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ...errors import ModelError
from ...strict_json import read_as
from ..manifest import InputSpec
from ..networks.vxm_pairwise import VxmPairwiseNetwork
from ..networks.vxm_pairwise_architecture import VxmPairwiseArchitecture
from ..weights.state_dicts import load_strictly, read_state_dict
from .own_checkpoint import OwnCheckpoint


class VoxelMorph(OwnCheckpoint):
    """A `VxmPairwise` with weights from a local file.

    A manifest's `architecture` has the fields of `VxmPairwiseArchitecture`; empty for the package's
    defaults.
    """

    architecture_of = staticmethod(partial(read_as, VxmPairwiseArchitecture))

    @staticmethod
    def read(architecture: VxmPairwiseArchitecture, weights: Path) -> VxmPairwiseNetwork:
        """Return the network with its weights."""
        network = VxmPairwiseNetwork(architecture)
        load_strictly(network, read_state_dict(weights), weights)
        return network

    @staticmethod
    def fitting(spec: InputSpec, architecture: VxmPairwiseArchitecture, path: Path) -> InputSpec:
        """Return the section with sizes that the network's levels can halve."""
        multiple = architecture.shape_multiple
        if spec.shape is not None:
            if any(n % multiple for n in spec.shape):
                raise ModelError(
                    f"The manifest {path}: 'input.shape' is {list(spec.shape)}, but the "
                    f"network halves its images {multiple.bit_length() - 1} times.",
                    f"Give multiples of {multiple}.",
                )
            return spec
        if spec.multiple == 1:
            return replace(spec, multiple=multiple)
        if spec.multiple % multiple:
            raise ModelError(
                f"The manifest {path}: 'input.multiple' is {spec.multiple}, but the network "
                f"halves its images {multiple.bit_length() - 1} times.",
                f"Leave it out, or give a multiple of {multiple}.",
            )
        return spec
