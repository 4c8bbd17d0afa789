"""Networks of which component n of the answer runs along axis n of the array, turned around."""

from __future__ import annotations

from torch import Tensor, nn

from ..manifest import AxisOrder, InputSpec


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
