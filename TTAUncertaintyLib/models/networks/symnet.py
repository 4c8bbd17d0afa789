"""SYMNet, restated from its paper and its state dict, whose names the modules have.

Source: Mok, Chung, "Fast Symmetric Diffeomorphic Image Registration with Convolutional Neural
Networks", CVPR 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .displacement_fields import exponentiate_within, sample_within

_CHANNELS = 7
_RANGE = 100.0  # voxels that a velocity of 1 moves
_SQUARINGS = 7

#: Inputs, outputs (in `_CHANNELS`) and stride of the convolutions; 0 stands for the two images.
_CONVOLUTIONS = {
    "eninput": (0, 1, 1),
    "ec1": (1, 1, 1),
    "ec2": (1, 2, 2),
    "ec3": (2, 2, 1),
    "ec4": (2, 4, 2),
    "ec5": (4, 4, 1),
    "ec6": (4, 8, 2),
    "ec7": (8, 8, 1),
    "ec8": (8, 16, 2),
    "ec9": (16, 8, 1),
    "dc1": (16, 8, 1),
    "dc2": (8, 4, 1),
    "dc3": (8, 4, 1),
    "dc4": (4, 2, 1),
    "dc5": (4, 4, 1),
    "dc6": (4, 2, 1),
    "dc7": (3, 2, 1),
    "dc8": (2, 2, 1),
}
_DOWN = (("eninput", "ec1"), ("ec2", "ec3"), ("ec4", "ec5"), ("ec6", "ec7"), ("ec8", "ec9"))
#: The transposed convolution of each level upwards, its channels, and the convolutions after it.
_UP = (
    ("up1", 8, ("dc1", "dc2")),
    ("up2", 4, ("dc3", "dc4")),
    ("up3", 2, ("dc5", "dc6")),
    ("up4", 2, ("dc7", "dc8")),
)


class SYMNetNetwork(nn.Module):
    """One U-Net with a velocity for either image, which meet half-way; sizes are multiples of 16.

    Called with moving and fixed [B, 1, D, H, W] in [0, 1], axes in the publisher's order; returns
    displacements [B, 3, D, H, W] in voxels, component 0 along the last axis, fixed to moving.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, (inputs, outputs, stride) in _CONVOLUTIONS.items():
            channels = inputs * _CHANNELS or 2
            convolution = nn.Conv3d(channels, outputs * _CHANNELS, 3, stride=stride, padding=1)
            self.add_module(name, nn.Sequential(convolution, nn.ReLU()))
        for name, channels, _ in _UP:
            widened = nn.ConvTranspose3d(channels * _CHANNELS, channels * _CHANNELS, 2, stride=2)
            self.add_module(name, nn.Sequential(widened, nn.ReLU()))
        for name in ("dc9", "dc10"):
            last = nn.Conv3d(2 * _CHANNELS, 3, 5, padding=2, bias=False)
            self.add_module(name, nn.Sequential(last, nn.Softsign()))

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return the displacement; see the class."""
        features = self._features(torch.cat((fixed, moving), 1))
        towards_moving = self._through(("dc10",), features).float() * _RANGE
        towards_fixed = self._through(("dc9",), features).float() * _RANGE
        # from the fixed image back to the middle, and from there on to the moving one
        back = exponentiate_within(-towards_fixed, _SQUARINGS)
        return back + sample_within(exponentiate_within(towards_moving, _SQUARINGS), back)

    def _features(self, x: Tensor) -> Tensor:
        skipped: list[Tensor] = []
        for names in _DOWN:
            x = self._through(names, x)
            skipped.append(x)
        skipped.pop()
        for widened, _, names in _UP:
            x = torch.cat((self._through((widened,), x), skipped.pop()), 1)
            x = self._through(names, x)
        return x

    def _through(self, names: tuple[str, ...], x: Tensor) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x
