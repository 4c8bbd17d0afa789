"""A Swin transformer for volumes: attention within windows, which every other block shifts.

Source: Liu et al., "Swin Transformer", ICCV 2021, in three dimensions as TransMorph has it (Chen et
al., "TransMorph: Transformer for unsupervised medical image registration", Medical Image Analysis
2022). The names of the modules are those of the published weights.

Tokens have shape [B, D, H, W, C]. Stochastic depth (DropPath), which the publisher trains with,
skips blocks in training alone; outside it is the identity, and it is left out here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .transmorph_architecture import TransMorphArchitecture

Triple = tuple[int, int, int]

#: Added to the attention between tokens that the shift brought together from opposite borders.
_APART = -100.0

#: The eight tokens that are merged into one, by their offsets along D, H, W: the published order.
_CORNERS = (
    (0, 0, 0),
    (1, 0, 0),
    (0, 1, 0),
    (0, 0, 1),
    (1, 1, 0),
    (0, 1, 1),
    (1, 0, 1),
    (1, 1, 1),
)

#: Tokens along each axis of the learned embedding: an image of 224 in patches of 4.
_LEARNED_POSITIONS = 56


def relative_positions(window: Triple) -> Tensor:
    """Number the offsets between the tokens of a window.

    Returns
    -------
    Tensor
        int64 [N, N] with N tokens, last axis of the window fastest. The offset of token a from
        token b, each component counted from its least, as one number with the last fastest.
    """
    tokens = torch.cartesian_prod(*(torch.arange(n) for n in window)).view(-1, 3)
    offsets = tokens[:, None] - tokens[None] + torch.tensor(window) - 1
    radix = torch.tensor([(2 * window[1] - 1) * (2 * window[2] - 1), 2 * window[2] - 1, 1])
    return (offsets * radix).sum(-1)


def windows_of(tokens: Tensor, window: Triple) -> Tensor:
    """Cut [B, D, H, W, C] into [B, windows, N, C]; sizes are multiples of the window's."""
    batch, *sizes, channels = tokens.shape
    counts = [n // w for n, w in zip(sizes, window, strict=True)]
    split = tokens.reshape(
        batch, counts[0], window[0], counts[1], window[1], counts[2], window[2], channels
    )
    return split.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(
        batch, math.prod(counts), math.prod(window), channels
    )


def from_windows(windows: Tensor, window: Triple, sizes: Sequence[int]) -> Tensor:
    """Undo `windows_of`, for tokens of sizes (D, H, W)."""
    batch, _, _, channels = windows.shape
    counts = [n // w for n, w in zip(sizes, window, strict=True)]
    split = windows.reshape(batch, *counts, *window, channels)
    return split.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(batch, *sizes, channels)


def separation(sizes: Sequence[int], window: Triple, shift: Triple, like: Tensor) -> Tensor:
    """Return what is added to attention in shifted windows, [windows, 1, N, N].

    A shift by s brings the first s tokens of an axis behind its last ones. The last window along
    that axis then holds both, and they do not attend to each other.
    """
    regions = torch.zeros(1, *sizes, 1, device=like.device)
    for n, w, s, shape in zip(
        sizes, window, shift, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), strict=True
    ):
        region = torch.zeros(n, device=like.device)
        region[n - w :] = 1
        region[n - s :] = 2
        regions = 3 * regions + region.view(1, *shape, 1)
    inside = windows_of(regions, window)[0, :, :, 0]
    apart = inside[:, None, :] != inside[:, :, None]
    return apart.to(like.dtype).mul_(_APART).unsqueeze(1)


class _WindowAttention(nn.Module):
    """Multi-head attention among the tokens of each window, with a bias by relative position."""

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, of: TransMorphArchitecture) -> None:
        super().__init__()
        self.heads = heads
        offsets = math.prod(2 * n - 1 for n in of.window_size)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(offsets, heads))
        self.has_bias = of.rpe
        if of.rpe:
            index = relative_positions(of.window_size)
            self.register_buffer("relative_position_index", index, persistent=False)
        self.qkv = nn.Linear(channels, 3 * channels, bias=of.qkv_bias)
        self.attn_drop = nn.Dropout(of.MC_drop)
        self.proj = nn.Linear(channels, channels)
        self.proj_drop = nn.Dropout(of.block_dropout)

    def forward(self, windows: Tensor, apart: Tensor | None) -> Tensor:
        """Attend; windows [B, windows, N, C], apart as `separation` returns it."""
        batch, count, tokens, channels = windows.shape
        query, key, value = (
            self.qkv(windows)
            .view(batch * count, tokens, 3, self.heads, channels // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        attention = (query * (channels // self.heads) ** -0.5) @ key.transpose(-2, -1)
        if self.has_bias:
            bias = self.relative_position_bias_table[self.relative_position_index]
            attention += bias.permute(2, 0, 1).to(attention.dtype)
        if apart is not None:
            attention.view(batch, count, self.heads, tokens, tokens).add_(apart)
        attention = self.attn_drop(attention.softmax(-1))
        mixed = (attention @ value).transpose(1, 2).reshape(windows.shape)
        projected: Tensor = self.proj_drop(self.proj(mixed))
        return projected


class _Perceptron(nn.Module):
    """Two layers on each token by itself."""

    def __init__(self, channels: int, of: TransMorphArchitecture) -> None:
        super().__init__()
        hidden = int(channels * of.mlp_ratio)
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)
        self.drop = nn.Dropout(of.block_dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.drop(F.gelu(self.fc1(tokens)))
        result: Tensor = self.drop(self.fc2(hidden))
        return result


class _Block(nn.Module):
    """Attention and a perceptron, each on normalised tokens and around an identity."""

    def __init__(
        self, channels: int, heads: int, shifted: bool, of: TransMorphArchitecture
    ) -> None:
        super().__init__()
        self.window = of.window_size
        self.shift = _half(of.window_size) if shifted else (0, 0, 0)
        self.norm1 = nn.LayerNorm(channels)
        self.attn = _WindowAttention(channels, heads, of)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = _Perceptron(channels, of)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self._attend(self.norm1(tokens))
        result: Tensor = tokens + self.mlp(self.norm2(tokens))
        return result

    def _attend(self, tokens: Tensor) -> Tensor:
        """Pad to whole windows, shift, attend, shift back, crop."""
        depth, height, width = tokens.shape[1:4]
        missing = [-n % w for n, w in zip((depth, height, width), self.window, strict=True)]
        padded = F.pad(tokens, (0, 0, 0, missing[2], 0, missing[1], 0, missing[0]))
        sizes = padded.shape[1:4]
        apart = None
        # as published: a window of one token along any axis is not shifted along the others
        if min(self.shift) > 0:
            padded = padded.roll([-s for s in self.shift], (1, 2, 3))
            apart = separation(sizes, self.window, self.shift, padded)
        windows = self.attn(windows_of(padded, self.window), apart)
        result = from_windows(windows, self.window, sizes)
        if min(self.shift) > 0:
            result = result.roll(self.shift, (1, 2, 3))
        return result[:, :depth, :height, :width]


class _PatchMerging(nn.Module):
    """Every 2 x 2 x 2 tokens become one of twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(8 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(8 * channels)

    def forward(self, tokens: Tensor) -> Tensor:
        corners = [tokens[:, k::2, j::2, i::2] for k, j, i in _CORNERS]
        result: Tensor = self.reduction(self.norm(torch.cat(corners, -1)))
        return result


class _Stage(nn.Module):
    """Blocks of one resolution, every other one shifted; then, but for the last stage, merging."""

    def __init__(self, index: int, of: TransMorphArchitecture) -> None:
        super().__init__()
        channels = of.channels[index]
        self.blocks = nn.ModuleList(
            _Block(channels, of.num_heads[index], n % 2 == 1, of) for n in range(of.depths[index])
        )
        self.downsample = _PatchMerging(channels) if index < 3 else None

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tokens of this stage, and what the next one starts from."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens, tokens if self.downsample is None else self.downsample(tokens)


class _PatchEmbedding(nn.Module):
    """Every 4 x 4 x 4 voxels become a token."""

    def __init__(self, of: TransMorphArchitecture) -> None:
        super().__init__()
        self.proj = nn.Conv3d(2, of.embed_dim, 4, stride=4)
        self.norm = nn.LayerNorm(of.embed_dim) if of.patch_norm else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        tokens: Tensor = self.norm(self.proj(images).movedim(1, -1))
        return tokens


class SwinEncoder(nn.Module):
    """Four stages of tokens, at a quarter of the images' resolution and coarser by two each.

    Called with images [B, 2, D, H, W]; yields per stage its normalised features [B, C, d, h, w],
    finest first.
    """

    def __init__(self, of: TransMorphArchitecture) -> None:
        super().__init__()
        self.patch_embed = _PatchEmbedding(of)
        if of.ape:
            positions = torch.zeros(1, of.embed_dim, *(_LEARNED_POSITIONS,) * 3)
            self.absolute_pos_embed = nn.Parameter(positions)
        self.learned_positions = of.ape
        self.sinusoidal_positions = of.spe
        self.pos_drop = nn.Dropout(of.drop_rate)
        self.layers = nn.ModuleList(_Stage(index, of) for index in range(4))
        self.norm0, self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(c) for c in of.channels)

    def forward(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the features of the stages; see the class."""
        tokens = self.patch_embed(images)
        if self.learned_positions:
            learned = F.interpolate(
                self.absolute_pos_embed, size=tokens.shape[1:4], mode="trilinear"
            )
            tokens = tokens + learned.movedim(1, -1)
        elif self.sinusoidal_positions:
            tokens = tokens + _sinusoids(tokens)
        tokens = self.pos_drop(tokens)
        norms = (self.norm0, self.norm1, self.norm2, self.norm3)
        for stage, norm in zip(self.layers, norms, strict=True):
            features, tokens = stage(tokens)
            yield norm(features).movedim(-1, 1)


def _half(window: Triple) -> Triple:
    return window[0] // 2, window[1] // 2, window[2] // 2


def _sinusoids(tokens: Tensor) -> Tensor:
    """Return sines and cosines of the position along D, then H, then W, as many as channels."""
    channels = tokens.shape[-1]
    per_axis = 2 * math.ceil(channels / 6)
    exponents = torch.arange(0, per_axis, 2, device=tokens.device) / per_axis
    parts = []
    for axis in range(3):
        phases = torch.arange(tokens.shape[1 + axis], device=tokens.device)[:, None] * (
            10000.0**-exponents
        )
        shape = [1, 1, 1, per_axis]
        shape[axis] = -1
        along = torch.cat((phases.sin(), phases.cos()), -1).view(shape)
        parts.append(along.expand(*tokens.shape[1:4], per_axis))
    return torch.cat(parts, -1)[..., :channels].to(tokens.dtype)
