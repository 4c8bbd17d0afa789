"""SYMNet, a third-party brain network (MIT), behind the contract.

Trained on skull-stripped, affinely aligned T1 brains (OASIS, 160 x 192 x 224 at 1 mm). It answers
in voxels, and learnt what a voxel is.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..descriptions import SYMNET
from ..manifest import FORWARD, AxisOrder, OutputSpec, Quantity, Unit
from ..networks.symnet import SYMNetNetwork
from .in_a_box import InABox
from .lapirn import CLapIRN


class SYMNet(InABox):
    """SYMNet; the option `spacing` is that of its lattice, mm."""

    about = SYMNET
    sees = CLapIRN.sees
    answers = OutputSpec(Quantity.DISPLACEMENT, Unit.VOXEL, AxisOrder.KJI, FORWARD)
    extent_mm = CLapIRN.extent_mm

    @staticmethod
    def build(options: Mapping[str, str]) -> SYMNetNetwork:
        """Return the network without its weights."""
        return SYMNetNetwork()
