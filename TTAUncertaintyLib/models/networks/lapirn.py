"""LapIRN's displacement network, restated from its published description and state dict.

Source: Mok, Chung, "Large Deformation Diffeomorphic Image Registration with Laplacian Pyramid
Networks", MICCAI 2020. The names of the modules are those of the published weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CHANNELS = 28
_SLOPE = 0.2
_RANGE = 0.4  # of the [-1, 1] grid, per level


def _conv(inputs: int, outputs: int = _CHANNELS, stride: int = 1) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


class _ResidualBlock(nn.Module):
    """Two pre-activated convolutions around an identity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv(_CHANNELS)
        self.conv2 = _conv(_CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.leaky_relu(x, _SLOPE))
        return x + self.conv2(F.leaky_relu(y, _SLOPE))


class _Level(nn.Module):
    """One level of the pyramid: a U-shaped step whose output is a field in grid units."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.input_encoder_lvl1 = nn.Sequential(
            _conv(inputs), nn.LeakyReLU(_SLOPE), _conv(_CHANNELS)
        )
        self.down_conv = _conv(_CHANNELS, stride=2)
        blocks: list[nn.Module] = []
        for _ in range(5):
            blocks += [_ResidualBlock(), nn.LeakyReLU(_SLOPE)]
        self.resblock_group_lvl1 = nn.Sequential(*blocks)
        self.up = nn.ConvTranspose3d(_CHANNELS, _CHANNELS, 2, stride=2, bias=False)
        self.output_lvl1 = nn.Sequential(
            _conv(2 * _CHANNELS), nn.LeakyReLU(_SLOPE), _conv(_CHANNELS, 3), nn.Softsign()
        )

    def step(self, inputs: Tensor, below: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the field [B, 3, D, H, W] of this level and its embedding for the level above."""
        encoded = self.input_encoder_lvl1(inputs)
        down = self.down_conv(encoded)
        if below is not None:
            down = down + below
        embedding = self.up(self.resblock_group_lvl1(down))
        field = self.output_lvl1(torch.cat((embedding, encoded), 1)) * _RANGE
        return field, embedding


class _Level1(_Level):
    def __init__(self) -> None:
        super().__init__(2)

    def fields(self, pyramid: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        moving, fixed = pyramid[0]
        return self.step(torch.cat((moving, fixed), 1), None)


class _Refinement(_Level):
    """A level that starts from the field of the level below."""

    def __init__(self) -> None:
        super().__init__(5)

    def refine(
        self, below: tuple[Tensor, Tensor], moving: Tensor, fixed: Tensor
    ) -> tuple[Tensor, Tensor]:
        field, embedding = below
        field = F.interpolate(field, size=fixed.shape[2:], mode="trilinear", align_corners=False)
        warped = _warp(moving, field)
        residual, above = self.step(torch.cat((warped, fixed, field), 1), embedding)
        return field + residual, above


class _Level2(_Refinement):
    def __init__(self) -> None:
        super().__init__()
        self.model_lvl1 = _Level1()

    def fields(self, pyramid: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        return self.refine(self.model_lvl1.fields(pyramid), *pyramid[1])


class LapIRNNetwork(_Refinement):
    """Three levels; input sizes are multiples of 8.

    Called with moving and fixed [B, 1, D, H, W] in [0, 1] whose array axes run right, anterior,
    superior (the publisher's order); returns the field [B, 3, D, H, W] in `grid_sample` units,
    component 0 along the last axis, `align_corners=True`, fixed to moving.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model_lvl2 = _Level2()

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return the field in grid units; see the class."""
        half = _pool(moving), _pool(fixed)
        quarter = _pool(half[0]), _pool(half[1])
        below = self.model_lvl2.fields([quarter, half])
        return self.refine(below, moving, fixed)[0]


def _pool(image: Tensor) -> Tensor:
    return F.avg_pool3d(image, 3, stride=2, padding=1, count_include_pad=False)


def _warp(image: Tensor, field: Tensor) -> Tensor:
    """Warp by a field in grid units; coordinates stay in float32 under autocast."""
    with torch.autocast(image.device.type, enabled=False):
        theta = torch.eye(3, 4, device=image.device).expand(image.shape[0], 3, 4)
        grid = F.affine_grid(theta, list(image.shape), align_corners=True)
        return F.grid_sample(
            image.float(),
            grid + field.float().movedim(1, -1),
            mode="bilinear",
            padding_mode="border",
            align_corners=True,
        )
