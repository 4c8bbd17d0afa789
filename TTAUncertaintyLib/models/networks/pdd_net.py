"""PDD-Net's unsupervised network of two warps, restated from its paper and its state dict.

Source: Heinrich, "Closing the Gap between Deep and Conventional Image Registration using
Probabilistic Dense Displacement Networks", MICCAI 2019. Learnt are the features alone (OBELISK:
Heinrich, Oktay, Bouteldja, Medical Image Analysis 54 (2019)); what is done with them is fixed.

Coordinates are those of `grid_sample` with `align_corners=True`: -1 to 1 over the field of view,
components from the last axis to the first.

The fit is by steps of Adam, whose length hardly depends on how steep the slope is: where the images
say nothing, rounding decides. By the publisher's own code a start that differs by 1e-7 ends up to
half a voxel elsewhere there.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Stage(NamedTuple):
    """How far displacements reach (of half the field of view), and grid points along an axis."""

    reach: float
    points: int


STAGES = (Stage(0.25, 29), Stage(0.15, 39))
_TRIED = 11  # displacements along each axis
_CHANNELS = 24
_UNIT_HU = 500.0

# of costs, constants of the published script: offset and factor of the dissimilarity, before and
# after the first averaging over neighbours, factor of that average, and of the last one
_FIRST = (0.0761, 1.1337)
_SECOND = (0.0728, 1.0533)
_AVERAGED = -0.7469
_SHARPNESS = 1.1337

# of the field that is fitted to the probabilities
_STEPS, _RATE, _SMOOTHNESS = 50, 0.02, 1.5

_AT_ONCE = 4096  # rows of the cost volume that are worked on together


class PddNetNetwork(nn.Module):
    """Features, dense displacement costs, and a smooth field fitted to them, twice.

    Called with moving and fixed [B, 1, D, H, W] in Hounsfield units, axes in the publisher's order;
    returns the displacement [B, 3, D, H, W] in the coordinates above, fixed to moving.

    Parameters
    ----------
    stages
        Coarse to fine.
    """

    def __init__(self, stages: tuple[Stage, ...] = STAGES) -> None:
        super().__init__()
        self.stages = stages
        self.offsets = nn.Parameter(torch.zeros(2, 2 * _CHANNELS, 3))
        self.layer0 = nn.Conv3d(1, 4, 5, stride=2, padding=2, bias=False)
        self.batch0 = nn.BatchNorm3d(4)
        self.layer1 = nn.Conv3d(8 * _CHANNELS, 4 * _CHANNELS, 1, bias=False)
        self.batch1 = nn.BatchNorm3d(4 * _CHANNELS)
        self.layer2 = nn.Conv3d(4 * _CHANNELS, 4 * _CHANNELS, 3, padding=1, bias=False)
        self.batch2 = nn.BatchNorm3d(4 * _CHANNELS)
        self.layer3 = nn.Conv3d(4 * _CHANNELS, _CHANNELS, 1)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return the displacement; see the class."""
        # fields are fitted by gradient descent, in full precision
        with torch.inference_mode(False), torch.autocast(fixed.device.type, enabled=False):
            images = [image.detach().clone() / _UNIT_HU for image in (moving, fixed)]
            pairs = zip(*(image.split(1) for image in images), strict=True)
            return torch.cat([self._registered(*pair) for pair in pairs])

    @torch.no_grad()
    def _registered(self, moving: Tensor, fixed: Tensor) -> Tensor:
        shape = list(fixed.shape[2:])
        target = self._features(fixed)
        field: Tensor | None = None
        for stage in self.stages:
            warped = moving if field is None else _warped(moving, field)
            cost = _dissimilarity(target, self._features(warped), stage)
            coarse = _fitted(_probabilities(cost, stage), stage)
            step = F.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)
            field = step if field is None else _warped(field, step) + step
        assert field is not None
        return field

    def _features(self, image: Tensor) -> Tensor:
        """Return [1, 24, D / 3, H / 3, W / 3]: differences of places at learnt offsets, mixed."""
        x = F.avg_pool3d(image, 3, stride=2, padding=1)
        x = F.relu(self.batch0(self.layer0(x)))
        shape = [n // 3 for n in image.shape[2:]]
        # the published grid of these is laid out with `align_corners=False`, but sampled with True
        grid = F.affine_grid(_eye(image), [1, 1, *shape], align_corners=False).view(1, 1, -1, 1, 3)
        near, far = (
            F.grid_sample(x, grid + offsets.view(1, -1, 1, 1, 3), align_corners=True)
            for offsets in self.offsets
        )
        x = (near - far).reshape(1, -1, *shape)
        x = F.relu(self.batch1(self.layer1(x)))
        return self.layer3(F.relu(self.batch2(self.layer2(x))))


def _eye(like: Tensor) -> Tensor:
    return torch.eye(3, 4, device=like.device, dtype=like.dtype)[None]


def _places(points: int, reach: float, like: Tensor) -> Tensor:
    """Return a cube of places, [points^3, 3], from -reach to reach."""
    shape = [1, 1, points, points, points]
    return F.affine_grid(reach * _eye(like), shape, align_corners=True).view(-1, 3)


def _dissimilarity(fixed: Tensor, moving: Tensor, stage: Stage) -> Tensor:
    """Return squared differences of features [points^3, tried^3] at all displacements tried."""
    places = _places(stage.points, 1.0, fixed)
    tried = _places(_TRIED, stage.reach, fixed)
    rows = []
    for some in places.split(_AT_ONCE // 16):
        there = F.grid_sample(
            moving,
            (some[:, None] + tried).view(1, -1, len(tried), 1, 3),
            padding_mode="border",
            align_corners=True,
        )
        here = F.grid_sample(fixed, some.view(1, -1, 1, 1, 3), align_corners=True)
        rows.append((here - there).square_().sum(1).view(-1, len(tried)))
    return torch.cat(rows)


def _probabilities(cost: Tensor, stage: Stage) -> Tensor:
    """Return the probability of each displacement, [points^3, tried^3], after two exchanges."""
    first = _averaged(_FIRST[0] + _FIRST[1] * cost, stage)
    # the publisher's second cost starts from the first, its offset and factor included
    again = _SECOND[0] + _SECOND[1] * (_FIRST[0] + _FIRST[1] * cost) + _AVERAGED * first
    return F.softmax(-_SHARPNESS * _averaged(again, stage), 1)


def _averaged(cost: Tensor, stage: Stage) -> Tensor:
    """Lower each cost to that of like displacements, then average it over like places."""
    lowered = torch.cat([_of_like_displacements(rows) for rows in cost.split(_AT_ONCE)])
    cubes = lowered.t().reshape(-1, 1, *(stage.points,) * 3)
    means = [
        F.avg_pool3d(F.avg_pool3d(F.pad(some, (2,) * 6, mode="replicate"), 3, 1), 3, 1)
        for some in cubes.split(64)
    ]
    return torch.cat(means).view(len(cubes), -1).t().contiguous()


def _of_like_displacements(cost: Tensor) -> Tensor:
    """Take the least of neighbouring displacements, then two averages: a rough min-convolution."""
    cubes = F.pad(cost.view(-1, 1, *(_TRIED,) * 3), (3,) * 6, mode="replicate")
    least = -F.max_pool3d(-cubes, 3, 1)
    return F.avg_pool3d(F.avg_pool3d(least, 3, 1), 3, 1).view(len(cost), -1)


def _fitted(probabilities: Tensor, stage: Stage) -> Tensor:
    """Return the field [1, 3, points, points, points] that is smooth and probable."""
    tried = _places(_TRIED, stage.reach, probabilities)
    cube = (1, *(stage.points,) * 3, 3)
    free = (probabilities @ tried).view(cube).permute(0, 4, 1, 2, 3).contiguous()
    odds = probabilities.view(-1, 1, *(_TRIED,) * 3)
    with torch.enable_grad():
        free.requires_grad_()
        optimiser = torch.optim.Adam([free], lr=_RATE)
        for _ in range(_STEPS):
            optimiser.zero_grad()
            field = _smoothed(free)
            at = field.permute(0, 2, 3, 4, 1).reshape(-1, 1, 1, 1, 3) / stage.reach
            probable = F.grid_sample(odds, at, align_corners=True).mean()
            bent = sum(_SMOOTHNESS * field.diff(dim=axis).square().mean() for axis in (3, 2, 4))
            (bent - probable).backward()
            optimiser.step()
    # as published: the field before the last step
    return field.detach()


def _smoothed(field: Tensor) -> Tensor:
    return F.avg_pool3d(F.avg_pool3d(field, 3, 1, 1), 3, 1, 1)


def _warped(values: Tensor, field: Tensor) -> Tensor:
    grid = F.affine_grid(_eye(field), [1, 1, *field.shape[2:]], align_corners=True)
    return F.grid_sample(values, grid + field.permute(0, 2, 3, 4, 1), align_corners=True)
