"""PDD-Net, a third-party network for abdominal CT (Apache-2.0), behind the contract.

Trained without labels on CTs of different people, 192 x 160 x 256 voxels of about 2 mm. Its
publisher does not say which way the axes of those arrays ran: right, anterior, superior is inferred
from their lengths and from how nibabel reads such images.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..descriptions import PDD_NET
from ..manifest import AxisOrder, InputSpec, Normalisation, NormalisationKind
from ..networks.pdd_net import PddNetNetwork
from .in_a_box import IN_HALF_LENGTHS, InABox

#: Hounsfield units from air to the densest bone, as they are.
_SEEN_HU = (-1000.0, 3000.0)


class PddNet(InABox):
    """PDD-Net; every pass contains a hundred steps of an optimisation."""

    about = PDD_NET
    sees = InputSpec(
        orientation="RAS",
        array_order=AxisOrder.IJK,
        normalisation=Normalisation(NormalisationKind.WINDOW, *_SEEN_HU, _SEEN_HU),
    )
    answers = IN_HALF_LENGTHS
    extent_mm = (384, 320, 512)

    @staticmethod
    def build(options: Mapping[str, str]) -> PddNetNetwork:
        """Return the network without its weights."""
        return PddNetNetwork()
