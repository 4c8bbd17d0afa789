"""LapIRN, a third-party brain network (MIT), behind the contract.

It was trained on skull-stripped, affinely aligned T1 brains (OASIS) of 160 x 192 x 144 voxels at
1 mm, and tolerates 80 x 96 x 72 at 2 mm. Its field is in units of that field of view, so the
extent is kept at any spacing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...geometry import Image, Lattice, Matrix
from ..contract import NO_OPTIONS, PreparedPair
from ..descriptions import LAPIRN as DESCRIPTION
from ..manifest import FORWARD, AxisOrder, InputSpec, OutputSpec, Quantity, Unit
from ..networks.lapirn import LapIRNNetwork
from ..weights.state_dicts import identify, load_strictly, read_state_dict
from .common_lattice import RAS_AXES, foreground_center, prepare_on_common_lattice
from .conventions import InVoxels
from .network_model import NetworkModel
from .usable_images import refuse_unusable

#: Arrays of axes (i, j, k); components (k, j, i) in half lengths of the field of view.
_SEES = InputSpec(array_order=AxisOrder.IJK)
_ANSWERS = OutputSpec(
    Quantity.DISPLACEMENT, Unit.GRID_SAMPLE, AxisOrder.KJI, FORWARD, align_corners=True
)


class LapIRN(NetworkModel):
    """LapIRN with weights from a local file.

    Parameters
    ----------
    weights
        The published `LapIRN_disp_fea7.pth`, or one with the same tensors.
    options
        `spacing`: that of the network's lattice, mm.

    Raises
    ------
    ModelError
        If the weights are missing, damaged or another network's.
    """

    #: Field of view along right, anterior, superior, mm.
    extent_mm = (160, 192, 144)

    def __init__(self, weights: Path, options: Mapping[str, str] = NO_OPTIONS) -> None:
        network = LapIRNNetwork()
        load_strictly(network, read_state_dict(weights), weights)
        converted = InVoxels(network, _SEES, _ANSWERS)
        super().__init__(converted, DESCRIPTION, identify(weights, DESCRIPTION), options)
        self.spacing_mm = float(self.options["spacing"])

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Place both images on LapIRN's lattice: the world's axes, centred on the fixed brain."""
        refuse_unusable(fixed)
        i, j, k = (int(extent / self.spacing_mm) for extent in self.extent_mm)
        world = Lattice.from_geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), RAS_AXES)
        lattice = world.centered((i, j, k), self.spacing_mm, foreground_center(fixed))
        return prepare_on_common_lattice(fixed, moving, initial, lattice)
