"""What the network is trained for: the exact field, and the overlap of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from TTAUncertaintyLib.models.networks.displacement_fields import (
    identity_grid,
    sample_displaced,
    upsample_displacement,
)
from TTAUncertaintyLib.training.image_lattice import SPACING_MM
from TTAUncertaintyLib.training.label_maps import GROUPS
from TTAUncertaintyLib.training.synthesis import SyntheticPair, group_overlap_maps


@dataclass(frozen=True)
class LossWeights:
    """How the terms are weighed."""

    #: Of the error of the field's spatial derivatives, against the error of the field.
    gradient: float = 0.3
    #: Of one minus the soft Dice overlap.
    overlap: float = 0.5
    #: Factor on the supervised terms where the two anatomies differ: the nominal field is then a
    #: guide and no truth.
    different_anatomy: float = 0.4
    #: Weight of voxels outside the brain, where nothing can be seen, against those inside.
    surroundings: float = 0.05


@dataclass(frozen=True)
class LossTerms:
    """The loss and, for the log, what it is made of."""

    #: Scalar, differentiable.
    total: Tensor
    #: Mean error of the finest field inside the weighed region, mm.
    error_mm: float
    #: The same of no registration at all, mm.
    initial_mm: float
    #: Soft Dice after registration.
    overlap: float


def registration_loss(
    flows: Sequence[Tensor], pair: SyntheticPair, weights: LossWeights
) -> LossTerms:
    """Compare the network's fields with the truth.

    Parameters
    ----------
    flows
        From `PyramidFlowNetwork.flows`: coarse to fine, each in voxels of its level.
    pair
        The pair they were predicted for.
    """
    full = pair.displacement
    inside = (pair.fixed_groups > 0).float() if pair.brain else torch.ones_like(full[0, 0])
    inside = inside.view(1, 1, *inside.shape) * _lands_inside(full)
    supervised = full.new_zeros(())
    error_mm = initial_mm = 0.0
    for position, flow in enumerate(flows):
        factor = full.shape[2] // flow.shape[2]
        spacing = factor * SPACING_MM
        truth = full if factor == 1 else F.avg_pool3d(full, factor) / factor
        weight = inside if factor == 1 else F.avg_pool3d(inside, factor)
        weight = weights.surroundings + (1.0 - weights.surroundings) * weight
        weight = weight / weight.mean()
        initial = (weight * truth.square().sum(1, keepdim=True).sqrt()).mean() * spacing
        difference = (flow - truth) * spacing
        # Charbonnier: the gradient of a small error does not blow up.
        distance = (difference.square().sum(1, keepdim=True) + 0.1**2).sqrt()
        error = (weight * distance).mean()
        slope = _mean_gradient(difference, weight)
        # Dividing by the pair's own difficulty keeps hard pairs from drowning the easy ones, and
        # a coarse level cannot be more exact than its spacing allows.
        level_weight = 1.0 if position == len(flows) - 1 else 0.5
        supervised = supervised + level_weight * (error + weights.gradient * slope) / (
            initial + 3.0
        )
        error_mm, initial_mm = float(error.detach()), float(initial.detach())
    if not pair.same_anatomy:
        supervised = weights.different_anatomy * supervised

    overlap = full.new_ones(())
    if pair.brain and weights.overlap > 0:
        finest = flows[-1]
        pooling = min(2, full.shape[2] // finest.shape[2])
        while full.shape[2] // finest.shape[2] > pooling:
            finest = upsample_displacement(finest)
        moving = group_overlap_maps(pair.moving_groups[None], GROUPS, pooling)
        fixed = group_overlap_maps(pair.fixed_groups[None], GROUPS, pooling)
        overlap = soft_dice(sample_displaced(moving, finest), fixed)
    total = supervised + weights.overlap * (1.0 - overlap)
    return LossTerms(total, error_mm, initial_mm, float(overlap.detach()))


def soft_dice(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean over channels of the soft Dice overlap of two maps [B, C, D, H, W], 0..1."""
    axes = (0, 2, 3, 4)
    # Squares in the denominator: two equal maps overlap by one, however soft they are.
    shared = 2.0 * (first * second).sum(axes)
    size = (first.square() + second.square()).sum(axes)
    return ((shared + 1.0) / (size + 1.0)).mean()


def _lands_inside(displacement: Tensor) -> Tensor:
    """Return 1 where a voxel corresponds to a place within the moving image, else 0."""
    shape = displacement.shape[2:]
    points = identity_grid(shape, displacement) + displacement
    last = points.new_tensor([n - 1 for n in reversed(shape)]).view(1, 3, 1, 1, 1)
    return ((points >= 0) & (points <= last)).all(1, keepdim=True).float()


def _mean_gradient(difference: Tensor, weight: Tensor) -> Tensor:
    """Return the weighed mean norm of the forward differences, per voxel step of the lattice."""
    total = difference.new_zeros(())
    for axis in (2, 3, 4):
        steps = difference.diff(dim=axis)
        weights = weight.narrow(axis, 0, weight.shape[axis] - 1)
        total = total + (weights * (steps.square().sum(1, keepdim=True) + 1e-4).sqrt()).mean()
    return total / 3.0
