"""VoxelMorph's diffeomorphic network of 2018, as its first Keras code computes it.

Restated from the published description: Dalca et al., "Unsupervised learning for fast
probabilistic diffeomorphic registration", MICCAI 2018. Convolutions with a stride of two take the
place of the later network's pooling, and the U-Net ends at half of the image's resolution, where it
predicts a distribution of velocities. The answer is that of the distribution's mean; the
publisher's code draws from it, each time anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .displacement_fields import exponentiate
from .vxm_dense import activated


@dataclass(frozen=True)
class Vxm2018Architecture:
    """Output channels of its convolutions, in the order in which they run."""

    encoder: tuple[int, ...]
    #: One more than the encoder has: there are two at half of the image's resolution.
    decoder: tuple[int, ...]
    squaring_steps: int = 7

    def __post_init__(self) -> None:
        """Refuse what no such network can be."""
        if not self.encoder or len(self.decoder) != len(self.encoder) + 1:
            raise ValueError("its encoder and its decoder do not belong together.")

    @property
    def shape_multiple(self) -> int:
        """Every axis of the input must be a multiple of this number of voxels."""
        return 1 << len(self.encoder)


class Vxm2018Network(nn.Module):
    """The network."""

    def __init__(self, architecture: Vxm2018Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        down, up = architecture.encoder, architecture.decoder
        self.encoder = nn.ModuleList(
            nn.Conv3d(before, after, 3, stride=2) for before, after in pairwise((2, *down))
        )
        skipped = (0, *reversed(down[:-1]), 0)
        self.decoder = nn.ModuleList(
            nn.Conv3d(before + skip, after, 3, padding=1)
            for (before, after), skip in zip(pairwise((down[-1], *up)), skipped, strict=True)
        )
        self.velocity = nn.Conv3d(up[-1], 3, 3, padding=1)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register two images; shapes, units and components as `VxmDenseNetwork.forward`."""
        x = torch.cat((moving, fixed), 1)
        features: list[Tensor] = []
        for convolution in self.encoder:
            # Keras pads an even size at its end alone
            x = activated(convolution(F.pad(x, (0, 1) * 3)))
            features.append(x)
        features.pop()
        for convolution in self.decoder:
            x = activated(convolution(x))
            if features:
                x = torch.cat((F.interpolate(x, scale_factor=2.0), features.pop()), 1)
        velocity = self.velocity(x).float().flip(1)
        field = exponentiate(velocity, self.architecture.squaring_steps)
        return _doubled(field)


def _doubled(field: Tensor) -> Tensor:
    """Carry a displacement in voxels to twice as many: voxel n is voxel n / 2, as in that code."""
    size = [2 * n - 1 for n in field.shape[2:]]
    fine = 2 * F.interpolate(field, size=size, mode="trilinear", align_corners=True)
    return F.pad(fine, (0, 1) * 3, mode="replicate")
