"""LapIRN's family of displacement networks, restated from their papers and state dicts.

Sources: Mok, Chung, "Large Deformation Diffeomorphic Image Registration with Laplacian Pyramid
Networks", MICCAI 2020; "Conditional Deformable Image Registration with Convolutional Neural
Network", MICCAI 2021; "Unsupervised Deformable Image Registration with Absent Correspondences in
Pre-operative and Post-Recurrence Brain Tumor MRI Scans", MICCAI 2022. The names of the modules are
those of the published weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.2
_RANGE = 0.4  # of the [-1, 1] grid, per level
_LATENT = 64  # numbers that a regularisation weight becomes in a conditional block


@dataclass(frozen=True)
class LapIRNArchitecture:
    """What differs between the networks of the family.

    Attributes
    ----------
    encoder
        Channels of a level's encoder.
    body
        Channels of its residual blocks.
    last
        Channels that the finest level's transposed convolution answers with.
    regularisation
        0 to 1: the weight of smoothness that a conditional network is asked for; None for a network
        without that input.
    normalised
        Whether a conditional block normalises each channel of each image first.
    """

    encoder: int = 28
    body: int = 28
    last: int = 28
    regularisation: float | None = None
    normalised: bool = False


LAPIRN = LapIRNArchitecture()


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


class _ResidualBlock(nn.Module):
    """Two pre-activated convolutions around an identity."""

    def __init__(self, about: LapIRNArchitecture) -> None:
        super().__init__()
        self.conv1 = _conv(about.body, about.body)
        self.conv2 = _conv(about.body, about.body)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.leaky_relu(x, _SLOPE))
        return x + self.conv2(F.leaky_relu(y, _SLOPE))


class _Style(nn.Module):
    """Scales and shifts each channel as the latent code of a regularisation weight says."""

    def __init__(self, about: LapIRNArchitecture) -> None:
        super().__init__()
        self.normalised = about.normalised
        self.style = nn.Linear(_LATENT, 2 * about.body)

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        scale, shift = self.style(latent).view(1, -1, 1, 1, 1).chunk(2, 1)
        return (1 + scale) * (F.instance_norm(x) if self.normalised else x) + shift


class _ConditionalBlock(_ResidualBlock):
    """The same after a style that depends on the regularisation weight."""

    def __init__(self, about: LapIRNArchitecture, weight: float) -> None:
        super().__init__(about)
        self.weight = weight
        self.ai1, self.ai2 = _Style(about), _Style(about)
        layers: list[nn.Module] = []
        for inputs in (1, _LATENT, _LATENT, _LATENT):
            layers += [nn.Linear(inputs, _LATENT), nn.LeakyReLU(_SLOPE)]
        self.mapping = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        latent = self.mapping(torch.full((1, 1), self.weight, device=x.device))
        y = self.conv1(F.leaky_relu(self.ai1(x, latent), _SLOPE))
        return x + self.conv2(F.leaky_relu(self.ai2(y, latent), _SLOPE))


class _Level(nn.Module):
    """One level of the pyramid: a U-shaped step whose output is a field in grid units."""

    def __init__(self, about: LapIRNArchitecture, inputs: int, up: int) -> None:
        super().__init__()
        self.input_encoder_lvl1 = nn.Sequential(
            _conv(inputs, about.encoder),
            nn.LeakyReLU(_SLOPE),
            _conv(about.encoder, about.encoder),
        )
        self.down_conv = _conv(about.encoder, about.body, stride=2)
        weight = about.regularisation
        blocks: list[nn.Module] = []
        for _ in range(5):
            block = _ResidualBlock(about) if weight is None else _ConditionalBlock(about, weight)
            blocks += [block, nn.LeakyReLU(_SLOPE)]
        self.resblock_group_lvl1 = nn.Sequential(*blocks)
        self.up = nn.ConvTranspose3d(about.body, up, 2, stride=2, bias=False)
        joined = up + about.encoder
        self.output_lvl1 = nn.Sequential(
            _conv(joined, joined // 2),
            nn.LeakyReLU(_SLOPE),
            _conv(joined // 2, 3),
            nn.Softsign(),
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
    def __init__(self, about: LapIRNArchitecture) -> None:
        super().__init__(about, 2, about.body)

    def fields(self, pyramid: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        moving, fixed = pyramid[0]
        return self.step(torch.cat((moving, fixed), 1), None)


class _Refinement(_Level):
    """A level that starts from the field of the level below."""

    def __init__(self, about: LapIRNArchitecture, up: int) -> None:
        super().__init__(about, 5, up)

    def refine(
        self, below: tuple[Tensor, Tensor], moving: Tensor, fixed: Tensor
    ) -> tuple[Tensor, Tensor]:
        field, embedding = below
        field = F.interpolate(field, size=fixed.shape[2:], mode="trilinear", align_corners=False)
        warped = _warp(moving, field)
        residual, above = self.step(torch.cat((warped, fixed, field), 1), embedding)
        return field + residual, above


class _Level2(_Refinement):
    def __init__(self, about: LapIRNArchitecture) -> None:
        super().__init__(about, about.body)
        self.model_lvl1 = _Level1(about)

    def fields(self, pyramid: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        return self.refine(self.model_lvl1.fields(pyramid), *pyramid[1])


class LapIRNNetwork(_Refinement):
    """Three levels; input sizes are multiples of 8.

    Called with moving and fixed [B, 1, D, H, W] in [0, 1], axes in the publisher's order; returns
    the field [B, 3, D, H, W] in `grid_sample` units, component 0 along the last axis,
    `align_corners=True`, fixed to moving.

    Parameters
    ----------
    architecture
        Which of the family it is.
    """

    def __init__(self, architecture: LapIRNArchitecture = LAPIRN) -> None:
        super().__init__(architecture, architecture.last)
        self.model_lvl2 = _Level2(architecture)

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
