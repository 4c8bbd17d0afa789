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

from ...errors import ModelError
from ...geometry import Image, Matrix
from ...reading import NotAllowed
from ..contract import NO_OPTIONS, PreparedPair
from ..manifest import InputSpec, Manifest
from ..networks.transmorph_architecture import TransMorphArchitecture
from ..weights.transmorph_checkpoint import read_transmorph
from .array_order import InVoxels
from .manifest_files import verified
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
        weights = verified(manifest)
        network = read_transmorph(architecture, weights.path)
        super().__init__(InVoxels(network, self.input), manifest.description(), weights, options)

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Prepare as the manifest's input section says; see `RegistrationModel.prepare`."""
        return prepare_as_specified(self.input, fixed, moving, initial)


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
