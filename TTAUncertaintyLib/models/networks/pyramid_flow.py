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

import itertools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .demons import DemonsFixed, refined
from .displacement_fields import (
    alignment_force,
    compose_displacements,
    exponentiate,
    local_correlation,
    pad_by_repeating,
    sample_displaced,
    unit_features,
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
    """The constructor arguments of `PyramidFlowNetwork`, as they are kept beside the weights."""

    #: Feature channels at half the input's resolution, a quarter, and so on: finest first.
    encoder_channels: tuple[int, ...] = (16, 32, 48, 64)
    #: Hidden channels of the flow regressors, in the same order.
    decoder_channels: tuple[int, ...] = (32, 32, 48, 64)
    #: Per level, in the same order: does the regressor see the local correlation as well?
    correlation: tuple[bool, ...] = (False, True, True, True)
    #: Per level: how often the same regressor looks again, at what its own flow has left over.
    iterations: tuple[int, ...] = (3, 2, 2, 2)
    #: Each residual is a velocity, exponentiated with this many squarings, so that it cannot fold.
    squaring_steps: int = 3
    #: Feature channels of the last level, at the input's own resolution; 0 leaves the level out.
    full_resolution_channels: int = 4
    #: Probability with which whole hidden channels of the regressors are dropped (while the
    #: dropout layers are in training mode only).
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


class _Convolution(nn.Conv3d):
    """A convolution that may be given its input channels in several parts, which add up."""

    def part(self, features: list[Tensor], *runs: tuple[int, int], biased: bool = False) -> Tensor:
        """Apply the convolution to some of its input channels.

        Parameters
        ----------
        features
            Shape [B, C, D, H, W] each; side by side they are the input channels `runs`.
        runs
            (first, behind the last) of each run of input channels.
        biased
            Whether to add the bias; one of the parts must.
        """
        weight = torch.cat([self.weight[:, first:last] for first, last in runs], dim=1)
        last = self.weight.is_contiguous(memory_format=torch.channels_last_3d)
        joined = _side_by_side(features, torch.channels_last_3d if last else None)
        return self._conv_forward(joined, weight, self.bias if biased else None)

    def part_of_upsampled(self, features: Tensor, run: tuple[int, int]) -> Tensor:
        """Apply the convolution, of size 3, to features that are repeated along every axis.

        Every voxel of [B, C, D, H, W] stands for its eight ones in [B, C, 2D, 2H, 2W]. What the
        small kernel makes of these is what a transposed one of size 4 makes of the voxel.
        """
        small = self.weight[:, run[0] : run[1]].flip(2, 3, 4).transpose(0, 1)
        places = itertools.product((0, 1), repeat=3)
        shifted = [F.pad(small, (i, 1 - i, j, 1 - j, k, 1 - k)) for k, j, i in places]
        wide = torch.stack(shifted).sum(0)
        return F.conv_transpose3d(features, wide, stride=2, padding=1)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _convolve(input, weight, bias, self.stride, self.padding)


def _side_by_side(parts: list[Tensor], layout: torch.memory_format | None) -> Tensor:
    """Join features [B, C, D, H, W] along their channels, in the parts' common dtype."""
    if len(parts) == 1 or layout is None or torch.is_grad_enabled():
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
    batch = max(part.shape[0] for part in parts)
    shape = (batch, sum(part.shape[1] for part in parts), *parts[0].shape[2:])
    joined = torch.empty(shape, dtype=parts[0].dtype, device=parts[0].device, memory_format=layout)
    first = 0
    for part in parts:
        joined[:, first : first + part.shape[1]] = part
        first += part.shape[1]
    return joined


class _BlockConvolution(_Convolution):
    """A convolution of size 3 with few outputs, several neighbouring voxels at once.

    A processor computes sixteen outputs in the time of three. So the voxels of a block are made
    outputs of a convolution that strides from block to block, whose kernel holds the small one
    once for each of them; they are laid out as voxels afterwards.
    """

    def __init__(self, inputs: int, outputs: int, block: tuple[int, int, int]) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.block = block

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if any(n % b for n, b in zip(input.shape[2:], self.block, strict=True)):
            return super()._conv_forward(input, weight, bias)
        outputs, inputs = weight.shape[:2]
        wide = weight.new_zeros((outputs, *self.block, inputs, *(b + 2 for b in self.block)))
        for k, j, i in itertools.product(*map(range, self.block)):
            wide[:, k, j, i, :, k : k + 3, j : j + 3, i : i + 3] = weight
        biases = None if bias is None else bias.repeat_interleave(math.prod(self.block))
        blocks = _convolve(input, wide.flatten(0, 3), biases, self.block, self.padding)
        return _blocks_to_voxels(blocks, self.block)


def _convolve(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: str | tuple[int, ...],
) -> Tensor:
    """Convolve; left to itself, torch takes a slower kernel for a single small image on a CPU."""
    if (
        input.device.type == "cpu"
        and input.dtype == weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and not torch.is_autocast_enabled("cpu")
        and not isinstance(padding, str)
    ):
        return torch.mkldnn_convolution(input, weight, bias, padding, stride, (1, 1, 1), 1)
    return F.conv3d(input, weight, bias, stride, padding)


class _InstanceNorm(nn.InstanceNorm3d):
    """Instance normalisation that leaves the memory layout as it is."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)

    def forward(self, input: Tensor) -> Tensor:
        values = input.float()
        centered = values - values.mean((2, 3, 4), keepdim=True)
        deviation = (centered.square().mean((2, 3, 4), keepdim=True) + self.eps).sqrt()
        scale = self.weight.view(-1, 1, 1, 1) / deviation
        return torch.addcmul(self.bias.view(-1, 1, 1, 1), centered, scale).to(input.dtype)


class _EncoderBlock(nn.Sequential):
    """Convolutions, each normalised per image, so that contrast and scale matter little."""

    def __init__(self, inputs: int, outputs: int, convolutions: int) -> None:
        super().__init__()
        for index in range(convolutions):
            self.append(_Convolution(outputs if index else inputs, outputs, 3, padding=1))
            self.append(_InstanceNorm(outputs))
            self.append(nn.LeakyReLU(LEAKY_SLOPE, inplace=True))


@dataclass(frozen=True)
class _ComparedFixed:
    """What a level needs of the fixed image, whatever the moving image and the flow."""

    #: [1, F, D + 2, H + 2, W + 2]: its features, for `alignment_force`.
    padded: Tensor
    #: [1, hidden, D, H, W]: their part of the regressor's first convolution, the bias included.
    entered: Tensor
    #: [1, F, D, H, W]: for `local_correlation`; None at a level without.
    unit: Tensor | None = None


@dataclass(frozen=True)
class EncodedFixed:
    """A fixed image as `PyramidFlowNetwork` sees it: computed once, compared with many."""

    #: Of the image, [B, 1, D, H, W].
    shape: torch.Size
    #: Finest first.
    levels: list[_ComparedFixed]
    #: None where the network has no such level, or it is not asked for.
    full_resolution: _ComparedFixed | None
    #: The image at half its resolution; None where nothing begins there.
    coarser: EncodedFixed | None = None
    #: What demons refine the answer by; None where they do not.
    refining: DemonsFixed | None = None


class _FlowRegressor(nn.Module):
    """Convolutions that turn compared features into a residual velocity, and pass their own on."""

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.enter = _Convolution(inputs, hidden, 3, padding=1)
        self.refine = _Convolution(hidden, hidden, 3, padding=1)
        self.dropout = nn.Dropout3d(dropout)
        self.leave = (
            _BlockConvolution(hidden, outputs, (1, 2, 2))
            if outputs <= 4
            else _Convolution(hidden, outputs, 3, padding=1)
        )
        # Starting near zero flow keeps the warped features meaningful from the first step on.
        nn.init.normal_(self.leave.weight, std=1e-2)
        if self.leave.bias is not None:
            nn.init.zeros_(self.leave.bias)

    def forward(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        """Return the velocity and the hidden features for what the first convolution gave."""
        hidden = F.leaky_relu_(entered, LEAKY_SLOPE)
        hidden = hidden + F.leaky_relu_(self.refine(hidden), LEAKY_SLOPE)
        hidden = self.dropout(hidden)
        return OUTPUT_SCALE * self.leave(hidden).float().contiguous(), hidden


class PyramidFlowNetwork(nn.Module):
    """The bundled registration network.

    Parameters
    ----------
    architecture
        Its numbers of channels and levels; `PyramidFlowArchitecture` has the defaults.

    Attributes
    ----------
    begins_coarser : bool
        Whether both images are registered at half their resolution first, with the same weights,
        in little time; what that finds is where the coarsest level begins. It finds what is twice
        as far off. The network has at least two levels then.
    ends_by_demons : bool
        Whether demons (`refined`) improve the answer in place of the level at full resolution, in
        about its time.
    """

    def __init__(self, architecture: PyramidFlowArchitecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or PyramidFlowArchitecture()
        self.begins_coarser, self.ends_by_demons = False, False
        a = self.architecture
        first = a.encoder_channels[0]
        # An even kernel puts a coarse voxel's centre between its eight fine ones, which is the
        # convention that `upsample_displacement` undoes.
        self.stem = nn.Sequential(
            _Convolution(1, first, kernel_size=4, stride=2, padding=1),
            _InstanceNorm(first),
            nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
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
                self.contexts.append(_Convolution(a.decoder_channels[level + 1], features, 1))
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

    def _enter(self, level: int) -> _Convolution:
        """Return the first convolution of a level's regressor."""
        regressor = self.regressors[level]
        assert isinstance(regressor, _FlowRegressor)
        return regressor.enter

    def encode_fixed(self, fixed: Tensor) -> EncodedFixed:
        """Return everything about a fixed image that does not depend on the moving one.

        Parameters
        ----------
        fixed
            Shape [B, 1, D, H, W], intensities 0..1.

        Raises
        ------
        ValueError
            If an axis is no multiple of `architecture.shape_multiple`.
        """
        pyramid, coarser = self._encode_fixed_pyramid(fixed), None
        if self.begins_coarser:
            half = self._halved(fixed)
            coarser = EncodedFixed(half.shape, self._encode_fixed_pyramid(half), None)
        if self.ends_by_demons:
            return EncodedFixed(fixed.shape, pyramid, None, coarser, DemonsFixed.of(fixed))
        return EncodedFixed(fixed.shape, pyramid, self._encode_fixed_image(fixed), coarser)

    def _halved(self, image: Tensor) -> Tensor:
        """Return an image at half its resolution, with as much black behind it as levels need."""
        half = F.avg_pool3d(image, 2)
        k, j, i = (-n % self.architecture.shape_multiple for n in half.shape[2:])
        return F.pad(half, (0, i, 0, j, 0, k))

    def _begin(self, moving: Tensor, coarser: EncodedFixed | None) -> Tensor:
        """Return the flow that the coarsest level begins with."""
        levels = len(self.encoders)
        shape = [n >> levels for n in moving.shape[2:]]
        if coarser is None:
            return torch.zeros((moving.shape[0], 3, *shape), device=moving.device)
        half, finest = self._halved(moving), max(levels - 3, 0)
        flow = self._pyramid_flows(half, coarser.levels, finest, self._begin(half, None))[0][-1]
        # twice as fine as the coarsest level: what is finer is seen better later
        times = 1 << (levels - 2 - finest)
        k, j, i = (n * times for n in shape)
        return F.avg_pool3d(flow[:, :, :k, :j, :i], times) / times

    def _encode_fixed_pyramid(self, fixed: Tensor) -> list[_ComparedFixed]:
        multiple = self.architecture.shape_multiple
        if any(n % multiple for n in fixed.shape[2:]):
            raise ValueError(
                f"Every axis must be a multiple of {multiple}, not {tuple(fixed.shape)}."
            )
        return [
            _ComparedFixed(
                pad_by_repeating(features),
                self._enter(level).part([features], (0, features.shape[1]), biased=True),
                unit_features(features) if correlation else None,
            )
            for level, (features, correlation) in enumerate(
                zip(self.encode(fixed), self.architecture.correlation, strict=True)
            )
        ]

    def _encode_fixed_image(self, fixed: Tensor) -> _ComparedFixed | None:
        return None if self.full_resolution is None else self.full_resolution.encode_fixed(fixed)

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
        with torch.set_grad_enabled(torch.is_grad_enabled() and not finest_alone):
            pyramid = self._encode_fixed_pyramid(fixed)
        image = None if finest_level else self._encode_fixed_image(fixed)
        encoded = EncodedFixed(fixed.shape, pyramid, image)
        return self._flows(moving, encoded, max(finest_level - 1, 0), finest_alone)

    def _flows(
        self, moving: Tensor, fixed: EncodedFixed, finest: int = 0, finest_alone: bool = False
    ) -> list[Tensor]:
        """Return what `flows` does, down to the pyramid's level `finest` and what is encoded."""
        if moving.shape[1:] != fixed.shape[1:]:
            raise ValueError(
                f"Both images must have one shape, not {tuple(moving.shape)} and "
                f"{tuple(fixed.shape)}."
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not finest_alone):
            begin = self._begin(moving, fixed.coarser)
            flows, hidden = self._pyramid_flows(moving, fixed.levels, finest, begin)
        if self.full_resolution is not None and fixed.full_resolution is not None:
            flow = upsample_displacement(flows[-1])
            flows.append(self.full_resolution(moving, fixed.full_resolution, flow, hidden))
        return flows

    def _pyramid_flows(
        self, moving: Tensor, fixed: list[_ComparedFixed], finest: int, flow: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the flow after every pyramid level down to `finest`, and what was seen there.

        The coarsest level begins with `flow`.
        """
        pyramid, hidden = self.encode(moving), torch.empty(0)
        flows: list[Tensor] = []
        for level in reversed(range(finest, len(self.encoders))):
            entered = fixed[level].entered
            if flows:
                flow = upsample_displacement(flow)
                context = self.contexts[level](hidden)
                features = context.shape[1]
                entered = entered + self._enter(level).part_of_upsampled(
                    context, (2 * features, 3 * features)
                )
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
                    flow, hidden = self._refine(level, pyramid[level], fixed[level], flow, entered)
            flows.append(flow)
        return flows, hidden

    def _refine(
        self, level: int, moving: Tensor, fixed: _ComparedFixed, flow: Tensor, entered: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compare the features of one level and improve the flow; return it and what was seen.

        `entered` is the part of the regressor's first convolution that all looks of a level share.
        """
        warped = sample_displaced(moving, flow)
        force, stiffness = alignment_force(fixed.padded, pad_by_repeating(warped))
        compared = [warped, flow, force, stiffness]
        if fixed.unit is not None:
            compared.insert(1, local_correlation(fixed.unit, unit_features(warped)))
        compared = [x.to(entered.dtype) for x in compared]
        enter, features = self._enter(level), moving.shape[1]
        others = sum(x.shape[1] for x in compared[1:])
        changing = enter.part(
            compared,
            (features, 2 * features),
            (enter.in_channels - others, enter.in_channels),
        )
        velocity, hidden = self.regressors[level](changing.add_(entered))
        # A cautious Gauss-Newton step to start from: without one, thousands of steps pass before
        # the features and the convolutions that read them have found each other.
        velocity = velocity + self.step_sizes[level] * force / (stiffness + STIFFNESS_FLOOR)
        residual = exponentiate(velocity, self.architecture.squaring_steps)
        return compose_displacements(flow, residual), hidden

    def forward(self, moving: Tensor, fixed: Tensor | EncodedFixed) -> Tensor:
        """Register two images.

        Parameters
        ----------
        moving
            Shape [B, 1, D, H, W], axes (k, j, i), every axis a multiple of
            `architecture.shape_multiple`; intensities 0..1.
        fixed
            The same, on one common lattice of about 2 mm; or from `encode_fixed`, and then a
            single fixed image serves a batch.

        Returns
        -------
        Tensor
            Float32, shape [B, 3, D, H, W]: for every fixed voxel the displacement to the moving
            voxel that corresponds, in voxels, components (i, j, k).
        """
        encoded = fixed if isinstance(fixed, EncodedFixed) else self.encode_fixed(fixed)
        displacement = self._flows(moving, encoded)[-1]
        while displacement.shape[2] < moving.shape[2]:
            displacement = upsample_displacement(displacement)
        if encoded.refining is not None:
            displacement = refined(displacement, moving, encoded.refining)
        return displacement


class _FullResolutionLevel(nn.Module):
    """The last level: features at full resolution, convolutions on the half-resolution lattice.

    Eight neighbouring voxels are regressed together (a pixel shuffle in 3D): eight times fewer
    places with eight times more outputs each, which a CPU does several times faster.
    """

    def __init__(self, features: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _BlockConvolution(1, features, (2, 2, 2)),
            _InstanceNorm(features),
            nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
        )
        gathered = 3 * FULL_RESOLUTION_HIDDEN // 4
        self.gather = _Convolution(2 * features + 6, gathered, kernel_size=4, stride=2, padding=1)
        self.context = _Convolution(hidden, FULL_RESOLUTION_HIDDEN - gathered, 1)
        self.regressor = _FlowRegressor(FULL_RESOLUTION_HIDDEN, FULL_RESOLUTION_HIDDEN, 24, dropout)
        self.step_size = nn.Parameter(torch.tensor(0.5))

    def encode_fixed(self, fixed: Tensor) -> _ComparedFixed:
        """Return what the level needs of the fixed image [B, 1, D, H, W]."""
        features = self.features(fixed)
        entered = self.gather.part([features], (0, features.shape[1]), biased=True)
        return _ComparedFixed(pad_by_repeating(features), entered)

    def forward(
        self, moving: Tensor, fixed: _ComparedFixed, flow: Tensor, hidden: Tensor
    ) -> Tensor:
        """Refine a flow [B, 3, D, H, W] with features at full resolution; return it."""
        warped = sample_displaced(self.features(moving), flow)
        force, stiffness = alignment_force(fixed.padded, pad_by_repeating(warped))
        compared = [x.to(fixed.entered.dtype) for x in (warped, force, stiffness)]
        others = sum(x.shape[1] for x in compared)
        read = (self.gather.in_channels - others, self.gather.in_channels)
        gathered = self.gather.part(compared, read).add_(fixed.entered)
        gathered = F.leaky_relu_(gathered, LEAKY_SLOPE)
        context = self.context(hidden).to(gathered.dtype)
        width = gathered.shape[1] + context.shape[1]
        enter = self.regressor.enter
        velocities, _ = self.regressor(enter.part([gathered, context], (0, width), biased=True))
        velocity = _blocks_to_voxels(velocities, (2, 2, 2))
        velocity = velocity + self.step_size * force / (stiffness + STIFFNESS_FLOOR)
        return compose_displacements(flow, velocity)


def _blocks_to_voxels(values: Tensor, block: tuple[int, int, int]) -> Tensor:
    """Turn [B, C * b, D, H, W] into [B, C, D * bk, H * bj, W * bi]: each output its own voxel."""
    batch, channels, *places = values.shape
    outputs = channels // math.prod(block)
    blocks = values.reshape(batch, outputs, *block, *places)
    shape = (n * b for n, b in zip(places, block, strict=True))
    return blocks.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(batch, outputs, *shape)
