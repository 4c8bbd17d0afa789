"""SynthMorph's "shapes" and "brains" networks behind the contract.

What they expect is as their publisher's page says it (https://github.com/voxelmorph/voxelmorph,
"SynthMorph"): skull-stripped images, intensities from the darkest to the brightest mapped onto
0..1, aligned affinely in the space of a reference image. The axes run left, inferior, anterior at
1 mm, the frame of FreeSurfer's images and of the publisher's `mri_synthmorph`. The networks are
fully convolutional and take any size that is a multiple of 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...errors import ModelError
from ...geometry import Image, Lattice, Matrix
from ..contract import NO_OPTIONS, ModelDescription, PreparedPair
from ..descriptions import SYNTHMORPH_BRAINS, SYNTHMORPH_SHAPES
from ..networks.vxm_dense import VxmDenseArchitecture, VxmDenseNetwork
from ..weights.described import read_described
from ..weights.state_dicts import identify, load_strictly
from .common_lattice import foreground_extent, prepare_on_common_lattice
from .network_model import NetworkModel
from .usable_images import refuse_unusable

#: Columns: the world directions (LPS) of axes i, j, k for arrays whose axes (k, j, i) run left,
#: inferior, anterior: the publisher's first axis is the contract's last.
_AXES = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])

#: Around what is bright in the fixed image, so that the moving one has room beside it.
_MARGIN_MM = 8.0


class SynthMorph(NetworkModel):
    """A SynthMorph network with converted weights.

    Parameters
    ----------
    weights
        A file that `weights.keras_h5.convert_vxm_dense` wrote.
    options
        `spacing`: that of the network's lattice, mm.

    Raises
    ------
    ModelError
        If the weights are missing, damaged, not converted, or another network's.
    """

    about: ClassVar[ModelDescription]

    def __init__(self, weights: Path, options: Mapping[str, str] = NO_OPTIONS) -> None:
        network = _read_network(weights)
        super().__init__(network, self.about, identify(weights, self.about), options)
        self._multiple = network.architecture.shape_multiple

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Resample both images onto one lattice around what is bright in the fixed one."""
        refuse_unusable(fixed)
        spacing = float(self.options["spacing"])
        first, last = foreground_extent(fixed, _AXES)
        low, high = first - _MARGIN_MM, last + _MARGIN_MM
        size = np.ceil((high - low) / spacing / self._multiple).astype(int) * self._multiple
        world = Lattice.from_geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), _AXES)
        lattice = world.centered(tuple(size.tolist()), spacing, _AXES @ ((low + high) / 2))
        return prepare_on_common_lattice(fixed, moving, initial, lattice, brightest=1.0)


class SynthMorphShapes(SynthMorph):
    """The network that was trained on images of random shapes."""

    about = SYNTHMORPH_SHAPES


class SynthMorphBrains(SynthMorph):
    """The network that was trained on images made from label maps of brains."""

    about = SYNTHMORPH_BRAINS


def _read_network(path: Path) -> VxmDenseNetwork:
    """Build the network that a converted file describes."""
    if path.suffix == ".h5":
        raise ModelError(
            f"The weights file {path} is in Keras's format and has to be converted first.",
            "Install it: ttauncertainty models install MODEL --from FILE.",
        )
    again = "Install it again from the publisher's .h5 file."
    tensors, architecture = read_described(path, VxmDenseArchitecture, again)
    network = VxmDenseNetwork(architecture)
    load_strictly(network, tensors, path)
    return network
