"""VoxelMorph behind the contract: a checkpoint of one's own, and the manifest beside it.

A network that was trained with VoxelMorph's torch package (0.3.x), `VxmPairwise`; its checkpoint is
the state dict. It answers at each voxel of the fixed image (the package's target) where in the
moving one (the source) it came from, in voxels, components in the order of the array's axes.
Networks that were trained for both directions are the same: the package negates their velocity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...errors import ModelError
from ...geometry import Image, Matrix
from ..contract import NO_OPTIONS, PreparedPair
from ..manifest import InputSpec, Manifest
from ..networks.vxm_pairwise import VxmPairwiseNetwork
from ..networks.vxm_pairwise_architecture import VxmPairwiseArchitecture
from ..weights.checkpoints import read_checkpoint
from ..weights.state_dicts import load_strictly
from .array_order import InVoxels
from .manifest_files import verified
from .manifest_lattice import prepare_as_specified
from .network_model import NetworkModel


class VoxelMorph(NetworkModel):
    """A `VxmPairwise` with weights from a local file.

    Parameters
    ----------
    manifest
        Of the kind "voxelmorph"; its `architecture` as `VxmPairwiseArchitecture.from_arguments`
        takes it, empty for the package's defaults.
    options
        It has none.

    Raises
    ------
    ModelError
        If the manifest contradicts itself, or the weights are missing, damaged, or another
        network's.
    """

    def __init__(self, manifest: Manifest, options: Mapping[str, str] = NO_OPTIONS) -> None:
        try:
            architecture = VxmPairwiseArchitecture.from_arguments(manifest.architecture)
        except ValueError as error:
            raise ModelError(f"The manifest {manifest.path}: 'architecture': {error}") from error
        self.input = _input(manifest, architecture.shape_multiple)
        weights = verified(manifest)
        network = VxmPairwiseNetwork(architecture)
        load_strictly(network, read_checkpoint(weights.path), weights.path)
        super().__init__(InVoxels(network, self.input), manifest.description(), weights, options)

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Prepare as the manifest's input section says; see `RegistrationModel.prepare`."""
        return prepare_as_specified(self.input, fixed, moving, initial)


def _input(manifest: Manifest, multiple: int) -> InputSpec:
    """Return the manifest's section, with sizes that the network's levels can halve."""
    spec = manifest.input
    if spec is None:
        raise ValueError("The manifest has no section 'input'.")
    if spec.shape is not None:
        if any(n % multiple for n in spec.shape):
            raise ModelError(
                f"The manifest {manifest.path}: 'input.shape' is {list(spec.shape)}, but the "
                f"network halves its images {multiple.bit_length() - 1} times.",
                f"Give multiples of {multiple}.",
            )
        return spec
    if spec.multiple == 1:
        return replace(spec, multiple=multiple)
    if spec.multiple % multiple:
        raise ModelError(
            f"The manifest {manifest.path}: 'input.multiple' is {spec.multiple}, but the network "
            f"halves its images {multiple.bit_length() - 1} times.",
            f"Leave it out, or give a multiple of {multiple}.",
        )
    return spec
