"""What published networks have in common that see a box of a fixed size around what is fixed.

The publisher's own preparation, as a manifest says it: how large the box is, which way its axes run
(the world's, so that a network's frame holds), how intensities become what it was trained on, and
how it answers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import nn

from ...geometry import Image, Lattice, Matrix
from ..contract import NO_OPTIONS, ModelDescription, PreparedPair
from ..manifest import (
    FORWARD,
    AxisOrder,
    InputSpec,
    Normalisation,
    NormalisationKind,
    OutputSpec,
    Quantity,
    Unit,
)
from ..weights.state_dicts import identify, load_strictly, read_state_dict
from .common_lattice import foreground_center
from .conventions import InVoxels
from .manifest_lattice import prepare_on, towards
from .network_model import NetworkModel
from .usable_images import refuse_unusable

#: Components (k, j, i) in half lengths of the field of view.
IN_HALF_LENGTHS = OutputSpec(
    Quantity.DISPLACEMENT, Unit.GRID_SAMPLE, AxisOrder.KJI, FORWARD, align_corners=True
)


def seen(orientation: str, brightest: float) -> InputSpec:
    """Say arrays of axes (i, j, k) towards an orientation, 0 to what the brightest become."""
    to = Normalisation(NormalisationKind.PERCENTILE, 0.0, 99.9, (0.0, brightest))
    return InputSpec(orientation=orientation, array_order=AxisOrder.IJK, normalisation=to)


class InABox(NetworkModel):
    """Base of adapters around a published network with its state dict.

    Parameters
    ----------
    weights
        The published file, or one with the same tensors.
    options
        What was chosen of the description's.

    Raises
    ------
    ModelError
        If there is no such option or choice, or the weights are missing, damaged or another
        network's.
    """

    about: ClassVar[ModelDescription]

    #: How the network is shown images; the `shape` is for the spacing it was trained at.
    sees: ClassVar[InputSpec]
    answers: ClassVar[OutputSpec]

    #: Lengths of the box along i, j, k, mm.
    extent_mm: ClassVar[tuple[float, float, float]]

    def __init__(self, weights: Path, options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = self.about.chosen(options)
        network = self.build(chosen)
        load_strictly(network, read_state_dict(weights), weights)
        converted = InVoxels(network, self.sees, self.answers)
        super().__init__(converted, self.about, identify(weights, self.about), chosen)

    @staticmethod
    @abstractmethod
    def build(options: Mapping[str, str], /) -> nn.Module:
        """Return the network, without its weights, for what was chosen."""

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        i, j, k = (int(extent / float(self.options["spacing"])) for extent in self.extent_mm)
        return i, j, k

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Place both images in the box, the middle of which is that of the fixed foreground."""
        refuse_unusable(fixed)
        world = Lattice.from_geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), towards(self.sees))
        spacing = np.divide(self.extent_mm, self.size)
        lattice = world.centered(self.size, spacing, foreground_center(fixed))
        return prepare_on(self.sees, lattice, fixed, moving, initial)
