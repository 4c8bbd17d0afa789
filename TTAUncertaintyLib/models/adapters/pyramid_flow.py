"""The bundled network behind the contract: weights and architecture come from one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...geometry import Image, Matrix
from ..contract import NO_OPTIONS, PreparedPair
from ..descriptions import (
    PYRAMID_FLOW,
    PYRAMID_FLOW_ANY,
    PYRAMID_FLOW_DROPOUT,
    bundled_any_weights,
    bundled_dropout_weights,
    bundled_weights,
)
from ..networks.pyramid_flow import EncodedFixed, PyramidFlowArchitecture, PyramidFlowNetwork
from ..offers import is_brain_alone, offered, why_offered
from ..weights.described import read_described
from ..weights.state_dicts import identify, load_strictly
from .common_lattice import anatomical_lattice, prepare_on_common_lattice
from .network_model import NetworkModel
from .one_contrast import in_one_contrast, of_one_contrast

#: Fewest voxels of field of view along an axis: one voxel of the coarsest level.
_LEAST_VOXELS = 16

#: Of the lattice, where that is left to the images: the coarsest, and finer ones with no more
#: voxels in the field of view than brains have at 2 mm, so that no pass takes longer than theirs.
_COARSEST_MM, _FINER_MM, _MOST_VOXELS = 2.0, (1.0, 1.25, 1.5), 750_000


class PyramidFlow(NetworkModel):
    """The bundled network.

    Parameters
    ----------
    weights
        A safetensors file whose metadata hold the architecture; None takes the bundled one.
    options
        "contrast": one, two, or for the images to decide. "spacing": of the lattice, mm, or "auto".

    Raises
    ------
    ModelError
        If the file is missing, damaged or another network's.
    """

    _about = PYRAMID_FLOW
    _bundled = staticmethod(bundled_weights)
    _for_any_anatomy = False

    def __init__(
        self, weights: Path | None = None, options: Mapping[str, str] = NO_OPTIONS
    ) -> None:
        path = weights or self._bundled()
        network = read_pyramid_flow(path)
        network.begins_coarser = network.ends_by_demons = self._for_any_anatomy
        self._encode = network.encode_fixed
        super().__init__(network, self._about, identify(path, self._about), options)
        self._multiple = network.architecture.shape_multiple

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Resample both images onto one lattice over the fixed image's field of view."""
        spacing = self._spacing_over(fixed.lattice.extent)
        lattice = anatomical_lattice(fixed, spacing, self._multiple, minimum=_LEAST_VOXELS)
        pair = prepare_on_common_lattice(fixed, moving, initial, lattice)
        contrast = self.options["contrast"]
        if contrast == "auto":
            contrast = "one" if of_one_contrast(pair.moving, pair.fixed) else "two"
        pair = pair if contrast == "one" else in_one_contrast(pair, self._register)
        better = self._better_one(contrast == "one", fixed, moving)
        return replace(pair, notes=(*pair.notes, *better))

    def _spacing_over(self, extent: Matrix) -> float:
        """Return the spacing of the lattice over a field of view, mm."""
        asked = self.options["spacing"]
        if asked != "auto":
            return float(asked)
        voxels = ((mm, np.prod(extent) / mm**3) for mm in _FINER_MM)
        return next((mm for mm, count in voxels if count <= _MOST_VOXELS), _COARSEST_MM)

    def _better_one(self, one_contrast: bool, *images: Image) -> Iterator[str]:
        """Yield a note where the other bundled network is the one for these images."""
        brains = all(is_brain_alone(i.intensities.numpy(), i.lattice) for i in images)
        better = offered(self.description.name, brains and one_contrast)
        if better and brains and not one_contrast:
            yield f"Of brains of two contrasts the model {better} leaves less error."
        elif better:
            yield f"{why_offered(brains)} the model {better}."

    @torch.inference_mode()
    def _register(self, moving: Tensor, fixed: Tensor) -> Tensor:
        device = next(self.network.parameters()).device
        displacement: Tensor = self.network(moving.to(device), fixed.to(device))
        return displacement.cpu()

    def encode_fixed(self, fixed: Tensor) -> EncodedFixed:
        """Return the features of a fixed image; see `contract.encode_fixed`."""
        return self._encode(fixed)


class PyramidFlowAny(PyramidFlow):
    """The bundled network that was trained on any anatomy; see `PyramidFlow`.

    Breath moves organs further than brains are apart, and its lattice may be finer. Demons
    refine its answer; the level at full resolution, which the file has too, is not used.
    """

    _about = PYRAMID_FLOW_ANY
    _for_any_anatomy = True
    _bundled = staticmethod(bundled_any_weights)


class PyramidFlowDropout(PyramidFlow):
    """The bundled network that was trained with dropout; see `PyramidFlow`."""

    _about = PYRAMID_FLOW_DROPOUT
    _bundled = staticmethod(bundled_dropout_weights)


def read_pyramid_flow(path: Path) -> PyramidFlowNetwork:
    """Build the network that a weights file describes, in float32 and evaluation mode.

    Raises
    ------
    ModelError
        If the file is missing, damaged or another network's.
    """
    again = "Install the extension again, or give another file."
    tensors, architecture = read_described(path, PyramidFlowArchitecture, again)
    network = PyramidFlowNetwork(architecture)
    load_strictly(network, {name: tensor.float() for name, tensor in tensors.items()}, path)
    return network.eval()
