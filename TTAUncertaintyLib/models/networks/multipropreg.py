"""MultiPropReg's multi-modal network, restated from its paper and state dict, whose names it has.

Source: Liu, Li, Fan, Zhao, Huang, Luo: "Learning Deformable Image Registration From Optimization:
Perspective, Modules, Bilevel Training and Beyond", IEEE TPAMI 44 (2022). Its code divides voxels by
N - 1 and samples with `align_corners=False`, and so does this.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .displacement_fields import exponentiate_within, sample_within

_SQUARINGS = 7
_FEATURES = ((1, 8, 2), (8, 8, 1), (8, 8, 1), (8, 16, 2), (16, 16, 1), (16, 16, 1))


class _Convolution(nn.Module):
    """A convolution, "main", and its activation; the published one halves with kernels of 4."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.main = nn.Conv3d(inputs, outputs, 3 if stride == 1 else 4, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.main(x), 0.2)


class MultiPropRegNetwork(nn.Module):
    """Two scales of matched features, each with a flow, its refinement and its integration.

    Called with moving and fixed [B, 1, D, H, W], sizes multiples of 4; returns displacements
    [B, 3, D, H, W], fixed to moving, component n in voxels along array axis n.
    """

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.ModuleList(_Convolution(*about) for about in _FEATURES)
        for scale, inputs in ((2, 1 + 16), (1, 1 + 8 + 3 + 16)):
            for n, (before, after) in enumerate(((inputs, 48), (48, 32), (32, 16))):
                self.add_module(f"conv{scale}_{n}", _Convolution(before, after))
            self.add_module(f"predict_flow{scale}a", nn.Conv3d(16, 3, 3, padding=1))
            for n, (before, after) in enumerate(((3, 48), (48, 48), (48, 32))):
                reach = 2**n
                wide = nn.Conv3d(before, after, 3, padding=reach, dilation=reach)
                self.add_module(f"dc_conv{scale}_{n}", nn.Sequential(wide, nn.LeakyReLU(0.1)))
            self.add_module(f"predict_flow{scale}b", nn.Conv3d(32, 3, 3, padding=1))

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return the displacement; see the class."""
        moving_half, fixed_half = (self._encoded(image, 0) for image in (moving, fixed))
        moving_quarter, fixed_quarter = (self._encoded(x, 3) for x in (moving_half, fixed_half))
        seen = torch.cat((_mismatch(fixed_quarter, moving_quarter), fixed_quarter), 1)
        flow, features = self._flow(2, seen, None)
        below = _doubled(_integrated(flow))
        warped = sample_within(moving_half, below.flip(1), align_corners=False)
        seen = torch.cat((_mismatch(fixed_half, warped), fixed_half, below, _doubled(features)), 1)
        flow, _ = self._flow(1, seen, below)
        return _doubled(_integrated(flow))

    def _encoded(self, x: Tensor, first: int) -> Tensor:
        for convolution in self.enc[first : first + 3]:
            x = convolution(x)
        return x

    def _flow(self, scale: int, x: Tensor, below: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return a scale's velocity, and the features that it was regressed from."""
        features = self._through(x, *(f"conv{scale}_{n}" for n in range(3)))
        flow = self._through(features, f"predict_flow{scale}a").float()
        if below is not None:
            flow = flow + below
        wide = (f"dc_conv{scale}_{n}" for n in range(3))
        return flow + self._through(flow, *wide, f"predict_flow{scale}b"), features

    def _through(self, x: Tensor, *names: str) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x


def _mismatch(fixed: Tensor, moving: Tensor) -> Tensor:
    return (fixed - moving).abs().sum(1, keepdim=True)


def _integrated(velocity: Tensor) -> Tensor:
    return exponentiate_within(velocity.float().flip(1), _SQUARINGS, align_corners=False).flip(1)


def _doubled(x: Tensor) -> Tensor:
    """Carry to the lattice of twice as many voxels; features are doubled as displacements are."""
    return F.interpolate(2 * x, scale_factor=2, mode="trilinear", align_corners=True)
