"""VoxelMorph's `VxmPairwise` network, as its torch package (0.3.4, with neurite 0.3.4) computes it.

Restated from the package's documentation; the names of the modules are those of its state dicts.
Balakrishnan et al., "VoxelMorph: a learning framework for deformable medical image registration",
IEEE TMI 38 (2019).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .displacement_fields import exponentiate_within
from .vxm_pairwise_architecture import VxmPairwiseArchitecture

_NORMALIZATIONS: dict[str, type[nn.Module]] = {
    "batch": nn.BatchNorm3d,
    "instance": nn.InstanceNorm3d,
}


class VxmPairwiseNetwork(nn.Module):
    """The network."""

    def __init__(self, architecture: VxmPairwiseArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.model = _UNet(architecture)
        self.flow_layer = _Block([("conv0", nn.Conv3d(3, 3, 3, padding=1))])

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register two images.

        Parameters
        ----------
        moving, fixed
            Shape [B, 1, D, H, W], every axis a multiple of `architecture.shape_multiple`.

        Returns
        -------
        Tensor
            Float32, shape [B, 3, D, H, W]: for every fixed voxel the displacement to the moving
            voxel that corresponds, in voxels, components along D, H, W.
        """
        velocity = self.flow_layer(self.model(torch.cat((moving, fixed), 1)))
        steps = self.architecture.integration_steps
        return exponentiate_within(velocity.float().flip(1), steps).flip(1)


class _Block(nn.Sequential):
    """Layers by the names that the package gives them."""

    def __init__(self, layers: list[tuple[str, nn.Module]]) -> None:
        super().__init__()
        for name, layer in layers:
            self.add_module(name, layer)


class _Down(nn.Module):
    def __init__(self, conv_block: nn.Module | None) -> None:
        super().__init__()
        self.conv_block = conv_block

    def forward(self, x: Tensor) -> Tensor:
        """Return the features before pooling."""
        return x if self.conv_block is None else self.conv_block(x)


class _Transposed(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose3d(channels, channels, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Up(nn.Module):
    def __init__(self, upsample: nn.Module, conv_block: nn.Module | None) -> None:
        super().__init__()
        self.upsample = upsample
        self.conv_block = conv_block

    def forward(self, x: Tensor, skipped: Tensor | None) -> Tensor:
        x = self.upsample(x)
        if skipped is not None:
            x = torch.cat((x, skipped), 1)
        return x if self.conv_block is None else self.conv_block(x)


class _UNet(nn.Module):
    """neurite's `BasicUNet`: a level without features of its own only pools, or only upsamples."""

    def __init__(self, architecture: VxmPairwiseArchitecture) -> None:
        super().__init__()
        about = architecture
        self.skips = about.unet.skip_connections
        channels, left = 2, []
        self.downsampling_conv_blocks = nn.ModuleList()
        for level, features in enumerate(about.down):
            block = _conv_block(about, level, channels, features) if features else None
            self.downsampling_conv_blocks.append(_Down(block))
            channels = features or channels
            left.append(channels)
        bottom = about.up[0] or channels
        self.lowest_resolution_conv_block = _conv_block(about, -1, channels, bottom)
        channels = bottom
        self.upsampling_conv_blocks = nn.ModuleList()
        # the first number of features is the bottom's, and the last one counts twice
        for index, features in enumerate((*about.up[1:], about.up[-1])):
            upsample = _upsampling(about.unet.upsample_mode, channels)
            inputs = channels + (left.pop() if self.skips else 0)
            block = _conv_block(about, -index - 1, inputs, features) if features else None
            self.upsampling_conv_blocks.append(_Up(upsample, block))
            channels = features or inputs
        # kernels of one voxel never look beyond the border, whatever the padding
        self.out_layer = _Block(
            [
                ("conv0", nn.Conv3d(channels, 3, 1)),
                ("activation0", _activation(about.final_activation, about.negative_slope)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        left: list[Tensor] = []
        for down in self.downsampling_conv_blocks:
            x = down(x)
            if self.skips:
                left.append(x)
            x = F.max_pool3d(x, 2)
        x = self.lowest_resolution_conv_block(x)
        for up in self.upsampling_conv_blocks:
            x = up(x, left.pop() if self.skips else None)
        return self.out_layer(x)


def _conv_block(about: VxmPairwiseArchitecture, level: int, inputs: int, outputs: int) -> _Block:
    """Build convolutions, normalisations and activations in the order that the network has."""
    layers: list[tuple[str, nn.Module]] = []
    count = dict.fromkeys("cna", 0)
    channels = inputs
    for operation in about.unet.order:
        number = count[operation]
        count[operation] += 1
        if operation == "c":
            convolution = nn.Conv3d(
                channels,
                outputs,
                3,
                padding=1,
                padding_mode=about.unet.padding_mode,  # type: ignore[arg-type]
            )
            layers.append((f"conv{number}", convolution))
            channels = outputs
        elif operation == "n":
            kind = about.normalization(level)
            if kind is not None:
                normalization = _NORMALIZATIONS[kind](channels, affine=True)
                layers.append((f"normalization{number}", normalization))
        else:
            activation = _activation(about.activation(level), about.negative_slope)
            layers.append((f"activation{number}", activation))
    return _Block(layers)


def _activation(name: str | None, negative_slope: float) -> nn.Module:
    if name is None:
        return nn.Identity()
    return {
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(negative_slope),
        "elu": nn.ELU(),
        "gelu": nn.GELU(),
        "silu": nn.SiLU(),
        "tanh": nn.Tanh(),
    }[name]


def _upsampling(mode: str, channels: int) -> nn.Module:
    if mode == "transposed":
        return _Transposed(channels)
    if mode == "nearest":
        return nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Upsample(scale_factor=2, mode="trilinear", align_corners=True)
