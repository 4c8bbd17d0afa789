"""The network of uniGradICON and multiGradICON, restated from its publisher's descriptions.

Sources: Tian et al., "uniGradICON: A Foundation Model for Medical Image Registration", MICCAI 2024;
Tian et al., "GradICON", CVPR 2023; `unigradicon` 1.0.6 and `icon_registration` 1.1.9 (Apache-2.0).
The names of the modules are those of the published weights.

Four U-Nets answer one after the other, each seeing the moving image warped by what the ones before
it found: at a quarter of the resolution, at half, and twice at the full one. Each gives a
displacement field, and the map is their composition,

    phi(y) = id + d_quarter  o  id + d_half  o  id + d_full  o  id + d_last  (y).

The publisher's modules pass functions of points around. Here they pass the fields themselves, in
the order in which they are applied: `Fields`. Coordinates run from 0 to 1 between the outermost
voxel centres of a lattice, so that a field means the same at any resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Displacement fields [B, 3, d, h, w] in unit coordinates, component n along array axis n, the one
#: that is applied first in front.
Fields = tuple[Tensor, ...]


@dataclass(frozen=True)
class Channels:
    """Features of a U-Net at each level, the full resolution first; the defaults are published."""

    #: That the way down ends in, level by level, after the two images.
    down: tuple[int, ...] = (16, 32, 64, 256, 512)
    #: That the way up ends in, at the same levels.
    up: tuple[int, ...] = (16, 32, 64, 128, 256)


PUBLISHED = Channels()


class TallUNet(nn.Module):
    """A U-Net around whose levels pooled and interpolated features are passed by.

    Called with the warped moving and the fixed image, [B, 1, D, H, W]; returns one displacement
    field [B, 3, D, H, W] in unit coordinates.

    Parameters
    ----------
    channels
        At each level. Each halves the size, rounding up, and needs two voxels to begin with.
    """

    def __init__(self, channels: Channels = PUBLISHED) -> None:
        super().__init__()
        inputs = (2, *channels.down[:-1])
        below = (*channels.up[1:], 0)  # what the level below hands up, besides what was skipped
        self.downConvs = nn.ModuleList(
            nn.Conv3d(above, here, 3, stride=2, padding=1)
            for above, here in zip(inputs, channels.down, strict=True)
        )
        self.upConvs = nn.ModuleList(
            nn.ConvTranspose3d(here + handed, above, 4, stride=2, padding=1)
            for here, handed, above in zip(channels.down, below, channels.up, strict=True)
        )
        self.batchNorms = nn.ModuleList(nn.BatchNorm3d(n) for n in channels.up)
        self.lastConv = nn.Conv3d(2 + channels.up[0], 3, 3, padding=1)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return the displacement field; see the class."""
        features = torch.cat((moving, fixed), 1)
        skipped = []
        for down in self.downConvs:
            skipped.append(features)
            found = down(F.leaky_relu(features))
            pooled = F.avg_pool3d(features, 2, ceil_mode=True)
            features = found + _with_channels(pooled, found.shape[1])
        # the top level is the last one up
        for up, norm in zip(reversed(self.upConvs), reversed(self.batchNorms), strict=True):
            found = up(F.leaky_relu(features))
            kept = _with_channels(features, found.shape[1])
            features = norm(found + F.interpolate(kept, scale_factor=2.0, mode="trilinear"))
            beside = skipped.pop()
            depth, height, width = beside.shape[2:]
            features = torch.cat((features[..., :depth, :height, :width], beside), 1)
        field: Tensor = self.lastConv(features)
        # The layers may run in reduced precision, fields do not.
        return field.float() / 10


class OneField(nn.Module):
    """A U-Net as a registration: one field."""

    def __init__(self, channels: Channels) -> None:
        super().__init__()
        self.net = TallUNet(channels)

    def forward(self, moving: Tensor, fixed: Tensor) -> Fields:
        """Return the one field."""
        return (self.net(moving, fixed),)


class AtHalfResolution(nn.Module):
    """A registration of images of half the resolution."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, moving: Tensor, fixed: Tensor) -> Fields:
        """Return the fields found at half the resolution."""
        halves = (F.avg_pool3d(image, 2, ceil_mode=True) for image in (moving, fixed))
        fields: Fields = self.net(*halves)
        return fields


class TwoSteps(nn.Module):
    """A registration, and another one of what the first left."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.netPhi = first
        self.netPsi = second

    def forward(self, moving: Tensor, fixed: Tensor) -> Fields:
        """Return the fields of both: the second one's are applied first."""
        phi: Fields = self.netPhi(moving, fixed)
        psi: Fields = self.netPsi(_warp(moving, phi), fixed)
        return psi + phi


class GradICONNetwork(TwoSteps):
    """The network whose state dict is published; 70,680,916 parameters.

    Called with moving and fixed [B, 1, D, H, W] in [0, 1], both of one shape; returns the
    displacement phi - id, [B, 3, D, H, W], fixed to moving, in unit coordinates: 0 and 1 are the
    outermost voxel centres, component n runs along array axis n. One direction, so half of what
    the publisher's `forward` computes, and none of its inverse-consistency terms.

    Parameters
    ----------
    channels
        Of each of the four U-Nets. With those that are published, no axis may be shorter than 65
        voxels.
    """

    def __init__(self, channels: Channels = PUBLISHED) -> None:
        quarter, half, full, last = (OneField(channels) for _ in range(4))
        half_resolution = TwoSteps(AtHalfResolution(quarter), half)
        super().__init__(TwoSteps(AtHalfResolution(half_resolution), full), last)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:  # type: ignore[override]
        """Return the displacement field in unit coordinates; see the class."""
        return _composed(super().forward(moving, fixed), fixed.shape[2:])


def _with_channels(features: Tensor, wanted: int) -> Tensor:
    """Keep the first channels, or put channels of zeros in front."""
    missing = wanted - features.shape[1]
    return F.pad(features, (0, 0, 0, 0, 0, 0, missing, 0)) if missing > 0 else features[:, :wanted]


def _composed(fields: Fields, shape: torch.Size) -> Tensor:
    """Return the displacement of all fields one after the other, [B, 3, *shape].

    Displacements are added up, not places: a place close to 1 would cost them digits.
    """
    identity = _identity(shape, fields[0].device)
    if fields[0].shape[2:] == shape:
        total = fields[0]  # its voxels are where it is asked for
    else:
        total = _sample(fields[0], identity.expand(len(fields[0]), -1, -1, -1, -1))
    for field in fields[1:]:
        total = total + _sample(field, identity + total)
    return total


def _warp(moving: Tensor, fields: Fields) -> Tensor:
    """Return the moving image seen through the fields, [B, 1, D, H, W]."""
    shape = moving.shape[2:]
    return _sample(moving, _identity(shape, moving.device) + _composed(fields, shape))


def _identity(shape: torch.Size, device: torch.device) -> Tensor:
    """Return the place of every voxel in unit coordinates, float32 [1, 3, *shape]."""
    ticks = [torch.linspace(0, 1, n, device=device) for n in shape]
    return torch.stack(torch.meshgrid(*ticks, indexing="ij"))[None]


def _sample(values: Tensor, at: Tensor) -> Tensor:
    """Interpolate [B, C, d, h, w] at places [B, 3, D, H, W] in unit coordinates, in float32."""
    with torch.autocast(values.device.type, enabled=False):
        grid = at.flip(1).movedim(1, -1) * 2 - 1
        return F.grid_sample(values.float(), grid, padding_mode="border", align_corners=True)
