"""A small registration network that regresses its flow from coarse to fine.

One shared encoder turns each image into features at 4, 8, 16 and 32 mm (for a 2 mm input).  From
the coarsest level to the finest, the moving features are warped by the flow so far, compared with
the fixed features, and convolutions regress the residual flow: the scheme of PWC-Net (Sun et al.,
CVPR 2018) and LapIRN (Mok and Chung, MICCAI 2020).  A last level compares the images at full
resolution and refines the flow there.

The coarse levels also see the correlation of each fixed feature with its 27 moving neighbours, as
an *input* to the convolutions.  No level answers with the argmax of such a cost volume: that answer
moves with every perturbation of the moving image by construction, and a test-time uncertainty
measured on it says little.

The module is pure torch: tensors in, tensors out, no files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...reading import parse_json
from .displacement_fields import (
    alignment_force,
    compose_displacements,
    exponentiate,
    local_correlation,
    sample_displaced,
    upsample_displacement,
)

LEAKY_SLOPE = 0.2

FULL_RESOLUTION_HIDDEN = 32
"""Hidden channels of the full-resolution level, a quarter of which come from the level below."""

STIFFNESS_FLOOR = 0.1
"""Keeps the Gauss-Newton step small where the features are flat; they have unit variance."""

OUTPUT_SCALE = 0.05
"""Voxels of flow per unit of the last convolution's output.

Adam moves every weight by about the learning rate; over a thousand coherent inputs that would be
half a coarse voxel in one step, and training diverges.
"""


@dataclass(frozen=True)
class PyramidFlowArchitecture:
    """The constructor arguments of `PyramidFlowNetwork`, as they are kept beside the weights.

    Attributes
    ----------
    encoder_channels
        Feature channels at half the input's resolution, a quarter, and so on: finest first.
    decoder_channels
        Hidden channels of the flow regressors, in the same order.
    correlation
        Per level, in the same order: does the regressor see the local correlation as well?
    iterations
        Per level: how often the same regressor looks again, at what its own flow has left over.
    squaring_steps
        Each residual is a velocity, exponentiated with this many squarings, so that it cannot fold.
    full_resolution_channels
        Feature channels of the last level, at the input's own resolution; 0 leaves the level out.
    dropout
        Probability with which whole hidden channels of the regressors are dropped (while the
        dropout layers are in training mode only).
    """

    encoder_channels: tuple[int, ...] = (16, 32, 48, 64)
    decoder_channels: tuple[int, ...] = (32, 32, 48, 64)
    correlation: tuple[bool, ...] = (False, True, True, True)
    iterations: tuple[int, ...] = (3, 2, 2, 2)
    squaring_steps: int = 3
    full_resolution_channels: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse arguments that contradict each other."""
        levels = len(self.encoder_channels)
        if levels < 1:
            raise ValueError("The network needs at least one level.")
        others = (self.decoder_channels, self.correlation, self.iterations)
        if any(len(entries) != levels for entries in others):
            raise ValueError(
                "encoder_channels, decoder_channels, correlation and iterations must have one "
                "entry per level."
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"The dropout probability must lie in [0, 1), not {self.dropout}.")

    @property
    def shape_multiple(self) -> int:
        """Every axis of the input must be a multiple of this number of voxels."""
        return 1 << len(self.encoder_channels)

    def to_json(self) -> str:
        """Return the arguments as JSON text, for the header of a weights file."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> PyramidFlowArchitecture:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            If the text is no JSON object or names arguments that do not exist.
        """
        arguments = parse_json(text)
        if not isinstance(arguments, Mapping):
            raise ValueError("The architecture must be a JSON object.")
        fields: dict[str, Any] = {
            str(name): tuple(value) if isinstance(value, list) else value
            for name, value in arguments.items()
        }
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(f"The architecture does not fit this network: {error}") from error


def _convolution(inputs: int, outputs: int) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, kernel_size=3, padding=1)


class _EncoderBlock(nn.Sequential):
    """Convolutions, each normalised per image, so that contrast and scale matter little."""

    def __init__(self, inputs: int, outputs: int, convolutions: int) -> None:
        super().__init__()
        for index in range(convolutions):
            self.append(_convolution(outputs if index else inputs, outputs))
            self.append(nn.InstanceNorm3d(outputs, affine=True))
            self.append(nn.LeakyReLU(LEAKY_SLOPE))


class _FlowRegressor(nn.Module):
    """Convolutions that turn compared features into a residual velocity, and pass their own on."""

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.enter = _convolution(inputs, hidden)
        self.refine = _convolution(hidden, hidden)
        self.dropout = nn.Dropout3d(dropout)
        self.leave = _convolution(hidden, outputs)
        # Starting near zero flow keeps the warped features meaningful from the first step on.
        nn.init.normal_(self.leave.weight, std=1e-2)
        if self.leave.bias is not None:
            nn.init.zeros_(self.leave.bias)

    def forward(self, compared: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.leaky_relu(self.enter(compared), LEAKY_SLOPE)
        hidden = hidden + F.leaky_relu(self.refine(hidden), LEAKY_SLOPE)
        hidden = self.dropout(hidden)
        return OUTPUT_SCALE * self.leave(hidden).float(), hidden


class PyramidFlowNetwork(nn.Module):
    """The bundled registration network.

    Parameters
    ----------
    architecture
        Its numbers of channels and levels; `PyramidFlowArchitecture` has the defaults.
    """

    def __init__(self, architecture: PyramidFlowArchitecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or PyramidFlowArchitecture()
        a = self.architecture
        first = a.encoder_channels[0]
        # An even kernel puts a coarse voxel's centre between its eight fine ones, which is the
        # convention that `upsample_displacement` undoes.
        self.stem = nn.Sequential(
            nn.Conv3d(1, first, kernel_size=4, stride=2, padding=1),
            nn.InstanceNorm3d(first, affine=True),
            nn.LeakyReLU(LEAKY_SLOPE),
        )
        self.encoders = nn.ModuleList()
        self.contexts = nn.ModuleList()
        self.regressors = nn.ModuleList()
        inputs = first
        for level, (features, hidden) in enumerate(
            zip(a.encoder_channels, a.decoder_channels, strict=True)
        ):
            self.encoders.append(_EncoderBlock(inputs, features, 2 if level else 1))
            inputs = features
            compared = 2 * features + 3 + 6 + 27 * a.correlation[level]
            if level + 1 < len(a.decoder_channels):
                self.contexts.append(nn.Conv3d(a.decoder_channels[level + 1], features, 1))
                compared += features
            self.regressors.append(_FlowRegressor(compared, hidden, 3, a.dropout))
        self.step_sizes = nn.Parameter(torch.full((len(a.encoder_channels),), 0.5))
        self.full_resolution = (
            _FullResolutionLevel(a.full_resolution_channels, a.decoder_channels[0], a.dropout)
            if a.full_resolution_channels
            else None
        )

    def encode(self, image: Tensor) -> list[Tensor]:
        """Return the features of an image [B, 1, D, H, W], finest (half resolution) first."""
        features = self.stem(image)
        pyramid = []
        for level, encoder in enumerate(self.encoders):
            features = encoder(F.avg_pool3d(features, 2) if level else features)
            pyramid.append(features)
        return pyramid

    def flows(
        self, moving: Tensor, fixed: Tensor, finest_level: int = 0, *, finest_alone: bool = False
    ) -> list[Tensor]:
        """Return the displacement after every level, coarse to fine.

        Parameters
        ----------
        moving, fixed
            Shape [B, 1, D, H, W], intensities 0..1.
        finest_level
            The level after which to stop: 0 is full resolution (where the network has that level),
            1 half of it, 2 a quarter.  Training starts with the coarse ones.
        finest_alone
            Whether gradients reach the full-resolution level only.

        Returns
        -------
        list of Tensor
            Float32, shape [B, 3, D/2^l, H/2^l, W/2^l] each, in voxels of level l.
        """
        multiple = self.architecture.shape_multiple
        if any(n % multiple for n in fixed.shape[2:]) or moving.shape != fixed.shape:
            raise ValueError(
                f"Both images must have one shape, every axis a multiple of {multiple}, not "
                f"{tuple(moving.shape)} and {tuple(fixed.shape)}."
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not finest_alone):
            flows, hidden = self._pyramid_flows(moving, fixed, max(finest_level - 1, 0))
        if self.full_resolution is not None and finest_level == 0:
            flow = upsample_displacement(flows[-1])
            flows.append(self.full_resolution(moving, fixed, flow, hidden))
        return flows

    def _pyramid_flows(
        self, moving: Tensor, fixed: Tensor, finest: int
    ) -> tuple[list[Tensor], Tensor]:
        """Return the flow after every pyramid level down to `finest`, and what was seen there."""
        # Both images in one batch: the same numbers, and faster convolutions on a CPU.
        pyramids = [features.chunk(2) for features in self.encode(torch.cat((moving, fixed)))]
        moving_pyramid, fixed_pyramid = zip(*pyramids, strict=True)
        shape = (fixed.shape[0], 3, *fixed_pyramid[-1].shape[2:])
        flow, hidden = torch.zeros(shape, device=fixed.device), torch.empty(0)
        flows: list[Tensor] = []
        for level in reversed(range(finest, len(self.encoders))):
            context: list[Tensor] = []
            if flows:
                flow = upsample_displacement(flow)
                context = [F.interpolate(self.contexts[level](hidden), scale_factor=2.0)]
            differentiable = torch.is_grad_enabled()
            looks = self.architecture.iterations[level]
            unlearnt = 0
            if self.training and differentiable:
                # Gradients through the last of a random number of looks train each of them, at
                # little more than the cost of one.
                looks = int(torch.randint(1, looks + 1, (1,)))
                unlearnt = looks - 1
            for look in range(looks):
                with torch.set_grad_enabled(differentiable and look >= unlearnt):
                    flow, hidden = self._refine(
                        level, moving_pyramid[level], fixed_pyramid[level], flow, context
                    )
            flows.append(flow)
        return flows, hidden

    def _refine(
        self, level: int, moving: Tensor, fixed: Tensor, flow: Tensor, context: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Compare the features of one level and improve the flow; return it and what was seen."""
        warped = sample_displaced(moving, flow).to(fixed.dtype)
        force, stiffness = alignment_force(fixed, warped)
        compared = [fixed, warped, *context]
        if self.architecture.correlation[level]:
            compared.append(local_correlation(fixed, warped).to(fixed.dtype))
        compared += [x.to(fixed.dtype) for x in (flow, force, stiffness)]
        velocity, hidden = self.regressors[level](torch.cat(compared, dim=1))
        # A cautious Gauss-Newton step to start from: without one, thousands of steps pass before
        # the features and the convolutions that read them have found each other.
        velocity = velocity + self.step_sizes[level] * force / (stiffness + STIFFNESS_FLOOR)
        residual = exponentiate(velocity, self.architecture.squaring_steps)
        return compose_displacements(flow, residual), hidden

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register two images.

        Parameters
        ----------
        moving, fixed
            Shape [B, 1, D, H, W], axes (k, j, i), every axis a multiple of
            `architecture.shape_multiple`; intensities 0..1; one common lattice of about 2 mm.

        Returns
        -------
        Tensor
            Float32, shape [B, 3, D, H, W]: for every fixed voxel the displacement to the moving
            voxel that corresponds, in voxels, components (i, j, k).
        """
        displacement = self.flows(moving, fixed)[-1]
        while displacement.shape[2] < fixed.shape[2]:
            displacement = upsample_displacement(displacement)
        return displacement


class _FullResolutionLevel(nn.Module):
    """The last level: features at full resolution, convolutions on the half-resolution lattice.

    Eight neighbouring voxels are regressed together (a pixel shuffle in 3D): eight times fewer
    places with eight times more outputs each, which a CPU does several times faster.
    """

    def __init__(self, features: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _convolution(1, features),
            nn.InstanceNorm3d(features, affine=True),
            nn.LeakyReLU(LEAKY_SLOPE),
        )
        gathered = 3 * FULL_RESOLUTION_HIDDEN // 4
        self.gather = nn.Conv3d(2 * features + 6, gathered, kernel_size=4, stride=2, padding=1)
        self.context = nn.Conv3d(hidden, FULL_RESOLUTION_HIDDEN - gathered, 1)
        self.regressor = _FlowRegressor(FULL_RESOLUTION_HIDDEN, FULL_RESOLUTION_HIDDEN, 24, dropout)
        self.step_size = nn.Parameter(torch.tensor(0.5))

    def forward(self, moving: Tensor, fixed: Tensor, flow: Tensor, hidden: Tensor) -> Tensor:
        moving_features, fixed_features = self.features(torch.cat((moving, fixed))).chunk(2)
        warped = sample_displaced(moving_features, flow).to(fixed_features.dtype)
        force, stiffness = alignment_force(fixed_features, warped)
        compared = [fixed_features, warped, *(x.to(warped.dtype) for x in (force, stiffness))]
        gathered = F.leaky_relu(self.gather(torch.cat(compared, dim=1)), LEAKY_SLOPE)
        context = self.context(hidden).to(gathered.dtype)
        velocities, _ = self.regressor(torch.cat([gathered, context], dim=1))
        velocity = _shuffle_to_full_resolution(velocities)
        velocity = velocity + self.step_size * force / (stiffness + STIFFNESS_FLOOR)
        return compose_displacements(flow, velocity)


def _shuffle_to_full_resolution(values: Tensor) -> Tensor:
    """Turn [B, 24, D, H, W] into [B, 3, 2D, 2H, 2W]: eight outputs, eight voxels."""
    batch, _, depth, height, width = values.shape
    blocks = values.reshape(batch, 3, 2, 2, 2, depth, height, width)
    return blocks.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(
        batch, 3, 2 * depth, 2 * height, 2 * width
    )
