"""TransMorph behind the contract: a checkpoint of one's own, and the manifest beside it.

Chen et al., Medical Image Analysis 82 (2022), 102615. What its publisher says of the images, and a
manifest's section "input" has to repeat:

- both on one lattice of 160 x 192 x 224 voxels of 1 mm, skull-stripped, affinely aligned,
  intensities 0 to 1;
- arrays of nibabel, whose axes are i, j, k. The publisher does not say where they run. FreeSurfer,
  which prepared the images, stores left, inferior, anterior (LIA), and the sizes fit no other order
  of a head: check it on an image that the network was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor, nn

from ...errors import ModelError
from ...geometry import Image, Matrix
from ..contract import NO_OPTIONS, PreparedPair
from ..manifest import AxisOrder, InputSpec, Manifest
from ..manifest_rules import NotAllowed
from ..networks.transmorph import TransMorphNetwork
from ..networks.transmorph_architecture import TransMorphArchitecture
from ..weights.transmorph_checkpoint import load_transmorph
from .manifest_lattice import prepare_as_specified
from .network_model import NetworkModel


class TransMorph(NetworkModel):
    """TransMorph, of any size of the family, with weights from a local file.

    The dropout layers that a run may switch on are those of `drop_rate` (zero in all published
    configurations) and, in TransMorph-Bayes, of `MC_drop`. TransMorph-Bayes as published never
    switches them off and averages many passes; here the prediction is one pass without them.
    Stochastic depth (DropPath) is no dropout layer: it acts in training alone.

    Parameters
    ----------
    manifest
        Of the kind "transmorph"; its `architecture` as `TransMorphArchitecture.from_config` takes
        it, empty for the published network for brain MRI.
    options
        It has none.

    Raises
    ------
    ModelError
        If the manifest contradicts itself, or the weights are missing, damaged, or another
        network's.
    """

    def __init__(self, manifest: Manifest, options: Mapping[str, str] = NO_OPTIONS) -> None:
        architecture = _architecture(manifest)
        self.input = _input(manifest, architecture)
        network = TransMorphNetwork(architecture)
        weights = load_transmorph(network, manifest.network_file, manifest.sha256)
        super().__init__(InVoxels(network, self.input), manifest.description(), weights, options)

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Prepare as the manifest's input section says; see `RegistrationModel.prepare`."""
        return prepare_as_specified(self.input, fixed, moving, initial)


class InVoxels(nn.Module):
    """The network's arrays and components turned into the contract's.

    The contract's arrays have axes (k, j, i) and displacements components (i, j, k); component n of
    the network's displacement runs along axis n of its arrays, whatever their order.

    Parameters
    ----------
    network
        Called as `network(first, second)`; answers displacements in voxels.
    spec
        Whose `array_order` and `images` say how the network sees them.
    """

    def __init__(self, network: nn.Module, spec: InputSpec) -> None:
        super().__init__()
        self.network = network
        self.turned = spec.array_order is AxisOrder.IJK
        self.moving_first = spec.images[0] == "moving"

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return displacements [B, 3, D, H, W] for images [B, 1, D, H, W]."""
        pair = (moving, fixed) if self.moving_first else (fixed, moving)
        if not self.turned:
            field: Tensor = self.network(*pair)
            return field.flip(1)
        field = self.network(*(image.transpose(2, 4) for image in pair))
        return field.transpose(2, 4)


def _architecture(manifest: Manifest) -> TransMorphArchitecture:
    try:
        return TransMorphArchitecture.from_config(manifest.architecture)
    except ValueError as error:
        raise ModelError(f"The manifest {manifest.path}: 'architecture': {error}") from error


def _input(manifest: Manifest, architecture: TransMorphArchitecture) -> InputSpec:
    """Return the manifest's section, with the shape that the architecture has."""
    spec = manifest.input
    if spec is None:
        raise ValueError("The manifest has no section 'input'.")
    if spec.shape not in (None, architecture.img_size):
        raise ModelError(
            f"The manifest {manifest.path}: 'input.shape' is {list(spec.shape or ())}, but the "
            f"'architecture' has an img_size of {list(architecture.img_size)}.",
            "Leave out input.shape, or give both the size that the network was trained with.",
        )
    try:
        return replace(spec, shape=architecture.img_size)
    except NotAllowed as error:
        raise ModelError(
            f"The manifest {manifest.path}: 'input.{error.key}' {error.why}", error.remedy
        ) from error
