"""MultiPropReg from T2 to T1, a third-party network (MIT), behind the contract.

Trained on skull-stripped brains of 160 x 160 x 160 voxels at 1 mm, axes towards left, posterior,
superior whatever the header of its example says, intensities of 0 to about 2.5.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..descriptions import MULTIPROPREG
from ..manifest import FORWARD, AxisOrder, OutputSpec, Quantity, Unit
from ..networks.multipropreg import MultiPropRegNetwork
from .in_a_box import InABox, seen


class MultiPropReg(InABox):
    """MultiPropReg; the option `spacing` is that of its lattice, mm."""

    about = MULTIPROPREG
    sees = seen("LPS", 2.5)
    answers = OutputSpec(
        Quantity.DISPLACEMENT, Unit.VOXEL, AxisOrder.IJK, FORWARD, align_corners=False
    )
    extent_mm = (160, 160, 160)

    @staticmethod
    def build(options: Mapping[str, str]) -> MultiPropRegNetwork:
        """Return the network without its weights."""
        return MultiPropRegNetwork()
