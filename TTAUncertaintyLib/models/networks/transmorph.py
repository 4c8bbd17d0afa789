"""TransMorph: a Swin transformer encodes the pair, convolutions decode the displacement.

Source: Chen et al., "TransMorph: Transformer for unsupervised medical image registration", Medical
Image Analysis 82 (2022), 102615. The names of the modules are those of the published weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .swin_encoder import SwinEncoder
from .transmorph_architecture import SHAPE_MULTIPLE, TransMorphArchitecture


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Convolve, normalise each channel of each image by itself, and rectify."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, padding=1, bias=False),
        nn.InstanceNorm3d(outputs),
        nn.LeakyReLU(inplace=True),
    )


def _upsampled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="trilinear", align_corners=False)


class _Up(nn.Module):
    """Twice the resolution, joined by what the encoder saw there, and two convolutions."""

    def __init__(self, inputs: int, outputs: int, skipped: int) -> None:
        super().__init__()
        self.conv1 = _convolution(inputs + skipped, outputs)
        self.conv2 = _convolution(outputs, outputs)

    def forward(self, features: Tensor, skipped: Tensor | None) -> Tensor:
        features = _upsampled(features)
        if skipped is not None:
            features = torch.cat((features, skipped), 1)
        result: Tensor = self.conv2(self.conv1(features))
        return result


class TransMorphNetwork(nn.Module):
    """TransMorph without the warping of the moving image that it is trained by.

    Called with moving and fixed [B, 1, D, H, W] in [0, 1], sizes multiples of 32; returns the
    displacement [B, 3, D, H, W] in voxels, fixed to moving, component n along array axis n
    (component 0 along D).
    """

    def __init__(self, architecture: TransMorphArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        finest, fine, coarse, coarsest = architecture.channels
        half, full = finest // 2, architecture.reg_head_chan
        tokens = int(architecture.if_transskip)
        images = int(architecture.if_convskip)
        self.transformer = SwinEncoder(architecture)
        self.up0 = _Up(coarsest, coarse, tokens * coarse)
        self.up1 = _Up(coarse, fine, tokens * fine)
        self.up2 = _Up(fine, finest, tokens * finest)
        self.up3 = _Up(finest, full if architecture.oasis else half, images * half)
        if not architecture.oasis:
            self.up4 = _Up(half, full, images * full)
        self.c1 = _convolution(2, half)
        self.c2 = _convolution(2, full)
        self.skip_drop = nn.Dropout3d(architecture.MC_drop)
        self.reg_head = nn.Sequential(nn.Conv3d(full, 3, 3, padding=1))

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return the displacement in voxels; see the class."""
        if any(n % SHAPE_MULTIPLE for n in fixed.shape[2:]):
            raise ValueError(f"TransMorph takes multiples of {SHAPE_MULTIPLE} voxels.")
        images = torch.cat((moving, fixed), 1)
        at_half = at_full = None
        if self.architecture.if_convskip:
            at_half = self.skip_drop(self.c1(F.avg_pool3d(images, 3, stride=2, padding=1)))
            if not self.architecture.oasis:
                at_full = self.skip_drop(self.c2(images))
        stages: list[Tensor | None] = list(self.transformer(images))
        features = stages.pop()
        for up in (self.up0, self.up1, self.up2):
            below = stages.pop()
            features = up(features, below if self.architecture.if_transskip else None)
        features = self.up3(features, at_half)
        if self.architecture.oasis:
            return _as_trained_on_oasis(_upsampled(self.reg_head(features)))
        displacement: Tensor = self.reg_head(self.up4(features, at_full))
        return displacement


def _as_trained_on_oasis(field: Tensor) -> Tensor:
    """Return the displacement that the loss of the publisher's OASIS networks applies.

    With y a voxel and u its answer, voxel y + u of N becomes the coordinate 2 (y + u) / (N - 1) - 1
    of `grid_sample`, which with `align_corners=False` is voxel (y + u) N / (N - 1) - 1/2. That is
    what the network was trained to align, and up to half a voxel away from y + u.
    """
    field = field.to(torch.promote_types(field.dtype, torch.float32))  # voxel numbers need it
    axes = [torch.arange(n, device=field.device, dtype=field.dtype) for n in field.shape[2:]]
    parts = [
        (field[:, axis] * len(own) + own.view([-1 if a == axis else 1 for a in range(3)]))
        / (len(own) - 1)
        for axis, own in enumerate(axes)
    ]
    return torch.stack(parts, 1) - 0.5
