"""VoxelMorph's U-Net with an integrated velocity, as its Keras package computes it.

SynthMorph's published networks are of this kind. Restated from the published description:
Hoffmann et al., "SynthMorph: learning contrast-invariant registration without acquired images",
IEEE TMI 41 (2022); Dalca et al., "Unsupervised learning of probabilistic diffeomorphic
registration for images and surfaces", Medical Image Analysis 57 (2019). Where Keras and torch have
conventions of their own, Keras's hold: max pooling halves, nearest-neighbour upsampling doubles,
the upsampled features come before the skipped ones, and fields are resized so that the outermost
voxel centres stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .displacement_fields import exponentiate

_SLOPE = 0.2

_CHANNELS_AT_ONCE = 64


@dataclass(frozen=True)
class VxmDenseArchitecture:
    """What has to be known about such a network besides its weights.

    Level n of the U-Net has 2**n voxels of the input along the edge of each of its own.
    """

    #: Output channels of the convolutions at each level, finest level first.
    encoder: tuple[tuple[int, ...], ...]
    #: Output channels of the convolutions at each level n, on the lattice of level n + 1, that
    #: is before upsampling to level n; finest level first.
    decoder: tuple[tuple[int, ...], ...]
    #: Output channels of the convolutions after the last upsampling.
    final: tuple[int, ...]
    #: Voxels of the input per voxel of the velocity that the network answers with, a power of
    #: two.
    velocity_factor: int = 2
    #: The same of the lattice that the velocity is integrated on, at least as many.
    integration_factor: int = 2
    #: Of the integration.
    squaring_steps: int = 7

    def __post_init__(self) -> None:
        """Refuse what no such network can be."""
        if not self.encoder or len(self.encoder) != len(self.decoder):
            raise ValueError("its encoder and its decoder do not have the same number of levels.")
        if not all(levels and min(levels) > 0 for levels in (*self.encoder, *self.decoder)):
            raise ValueError("a level of it has no convolution, or one without channels.")
        if min(self.final, default=1) < 1:
            raise ValueError("one of its last convolutions has no channels.")
        for factor in (self.velocity_factor, self.integration_factor):
            if factor < 1 or factor & (factor - 1) or factor > self.shape_multiple:
                raise ValueError(
                    f"its fields have 1/{factor} of the image's resolution; here that has to be "
                    f"1, 1/2, 1/4 and so on, down to 1/{self.shape_multiple}."
                )
        if self.velocity_factor > self.integration_factor:
            raise ValueError("it integrates at a finer resolution than it predicts.")
        if not 1 <= self.squaring_steps <= 16:
            raise ValueError(f"it integrates in {self.squaring_steps} steps, not in 1 to 16.")

    @property
    def shape_multiple(self) -> int:
        """Every axis of the input must be a multiple of this number of voxels."""
        return 1 << len(self.encoder)

    @property
    def skipped_levels(self) -> int:
        """How many of the finest levels the decoder leaves out."""
        return self.velocity_factor.bit_length() - 1


class VxmDenseNetwork(nn.Module):
    """The network."""

    def __init__(self, architecture: VxmDenseArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        channels = 2
        for outputs in architecture.encoder:
            self.encoder.append(_convolutions(channels, outputs))
            channels = outputs[-1]
        levels: list[nn.Module] = []
        for level in reversed(range(len(architecture.decoder))):
            levels.append(_convolutions(channels, architecture.decoder[level]))
            channels = architecture.decoder[level][-1]
            if level >= architecture.skipped_levels:
                channels += architecture.encoder[level][-1]
        self.decoder.extend(reversed(levels))
        self.final = _convolutions(channels, architecture.final)
        self.velocity = nn.Conv3d((channels, *architecture.final)[-1], 3, 3, padding=1)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register two images.

        Parameters
        ----------
        moving, fixed
            Shape [B, 1, D, H, W], every axis a multiple of `architecture.shape_multiple`, axes in
            the publisher's order; intensities 0..1.

        Returns
        -------
        Tensor
            Float32, shape [B, 3, D, H, W]: for every fixed voxel the displacement to the moving
            voxel that corresponds, in voxels, components along W, H, D.
        """
        velocity = self._regress(torch.cat((moving, fixed), 1)).float().flip(1)
        about = self.architecture
        coarse = [n // about.integration_factor for n in fixed.shape[2:]]
        velocity = _resized(velocity, coarse, about.velocity_factor / about.integration_factor)
        field = exponentiate(velocity, about.squaring_steps)
        return _resized(field, list(fixed.shape[2:]), float(about.integration_factor))

    def _regress(self, x: Tensor) -> Tensor:
        """Return the velocity, components in the order of the axes, in its own voxels."""
        skipped = self.architecture.skipped_levels
        features: list[Tensor] = []
        for level, convolutions in enumerate(self.encoder):
            *others, last = convolutions.children()
            for convolution in others:
                x = activated(convolution(x))
            if level < skipped:
                # nobody asks for these features again: they are never all in memory at once
                x = _activated_and_pooled(x, last)
            else:
                x = activated(last(x))
                features.append(x)
                x = F.max_pool3d(x, 2)
        for level in reversed(range(len(self.decoder))):
            for convolution in self.decoder[level].children():
                x = activated(convolution(x))
            if level >= skipped:
                x = torch.cat((F.interpolate(x, scale_factor=2.0), features.pop()), 1)
        for convolution in self.final:
            x = activated(convolution(x))
        return self.velocity(x)


def _convolutions(inputs: int, outputs: tuple[int, ...]) -> nn.ModuleList:
    channels = (inputs, *outputs)
    return nn.ModuleList(
        nn.Conv3d(before, after, 3, padding=1) for before, after in pairwise(channels)
    )


def activated(x: Tensor) -> Tensor:
    """Return leaky rectified features, as VoxelMorph's Keras code has them."""
    return F.leaky_relu(x, _SLOPE)


def _activated_and_pooled(x: Tensor, convolution: nn.Module) -> Tensor:
    """Convolve, activate and pool some output channels after the other."""
    weights, biases = (p.split(_CHANNELS_AT_ONCE) for p in convolution.parameters())
    return torch.cat(
        [
            F.max_pool3d(activated(F.conv3d(x, weight, bias, padding=1)), 2)
            for weight, bias in zip(weights, biases, strict=True)
        ],
        1,
    )


def _resized(field: Tensor, shape: list[int], factor: float) -> Tensor:
    """Carry a displacement in voxels to a lattice with `factor` times as many along each axis."""
    if factor == 1:
        return field
    return factor * F.interpolate(field, size=shape, mode="trilinear", align_corners=True)
