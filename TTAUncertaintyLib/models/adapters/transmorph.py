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
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...strict_json import NotAllowed
from ..manifest import InputSpec
from ..networks.transmorph_architecture import TransMorphArchitecture
from ..weights.transmorph_checkpoint import read_transmorph
from .own_checkpoint import OwnCheckpoint


class TransMorph(OwnCheckpoint):
    """TransMorph, of any size of the family, with weights from a local file.

    The dropout layers that a run may switch on are those of `drop_rate` (zero in all published
    configurations) and, in TransMorph-Bayes, of `MC_drop`. TransMorph-Bayes as published never
    switches them off and averages many passes; here the prediction is one pass without them.
    Stochastic depth (DropPath) is no dropout layer: it acts in training alone.

    A manifest's `architecture` is what `TransMorphArchitecture.from_config` takes, empty for the
    published network for brain MRI.
    """

    read = staticmethod(read_transmorph)

    @staticmethod
    def architecture_of(section: Mapping[str, Any], weights: Path) -> TransMorphArchitecture:
        """Return the architecture that a manifest's section says."""
        return TransMorphArchitecture.from_config(section)

    @staticmethod
    def fitting(spec: InputSpec, architecture: TransMorphArchitecture, path: Path) -> InputSpec:
        """Return the section with the shape that the architecture has."""
        if spec.shape not in (None, architecture.img_size):
            raise ModelError(
                f"The manifest {path}: 'input.shape' is {list(spec.shape or ())}, but the "
                f"'architecture' has an img_size of {list(architecture.img_size)}.",
                "Leave out input.shape, or give both the size that the network was trained with.",
            )
        try:
            return replace(spec, shape=architecture.img_size)
        except NotAllowed as error:
            raise ModelError(
                f"The manifest {path}: 'input.{error.key}' {error.why}", error.remedy
            ) from error
