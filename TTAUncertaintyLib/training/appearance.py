"""Random appearance: from labels to an image of no particular modality.

The steps are SynthMorph's (Hoffmann et al., IEEE TMI 2022): a random intensity per label, blur, a
smooth multiplicative bias field, gamma, noise, and loss of resolution along one axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from TTAUncertaintyLib.evaluation.random_fields import smooth_noise
from TTAUncertaintyLib.training.label_maps import LabelMap

_T1_LIKE = (0.0, 0.15, 0.5, 0.85)
"""Typical brightness of background, fluid, grey and white matter in T1-weighted MRI."""


@dataclass(frozen=True)
class AppearanceStatistics:
    """How varied the images are.

    Attributes
    ----------
    t1_share
        The fraction of brain images whose tissues are ordered as in T1-weighted MRI.
    same_contrast_share
        The fraction of pairs whose two images have the same intensity per label.
    contrast_spread
        Largest standard deviation of the difference that is left between the intensities of a
        label in two images of one contrast.
    thickest
        Slices are up to so many voxels thick, where they are thick.
    bias
        Largest standard deviation of the logarithm of the bias field.
    gamma
        Standard deviation of the logarithm of the exponent.
    noise
        Largest standard deviation of the noise; intensities are 0..1.
    """

    t1_share: float = 0.6
    same_contrast_share: float = 0.5
    contrast_spread: float = 0.0
    thickest: int = 2
    bias: float = 0.25
    gamma: float = 0.25
    noise: float = 0.05


def draw_contrast(
    labels: LabelMap, statistics: AppearanceStatistics, generator: torch.Generator
) -> Tensor:
    """Draw one intensity per label, float32, shape [number of labels]."""
    count = len(labels.groups)
    brain = bool((labels.tissue >= 0).all())
    if not brain:
        contrast = torch.rand(count, generator=generator)
    elif float(torch.rand(1, generator=generator)) < statistics.t1_share:
        spread = 0.07 * torch.randn(4, generator=generator)
        contrast = (torch.tensor(_T1_LIKE) + spread)[labels.tissue]
    else:
        contrast = torch.rand(4, generator=generator)[labels.tissue]
    parcel_spread = 0.08 * float(torch.rand(1, generator=generator)) if brain else 0.0
    contrast = contrast + parcel_spread * torch.randn(count, generator=generator)
    if brain and float(torch.rand(1, generator=generator)) < 0.9:
        contrast[0] = 0.0  # a skull-stripped image
    return contrast.clamp(0.0, 1.2)


def render(
    labels: Tensor, contrast: Tensor, statistics: AppearanceStatistics, generator: torch.Generator
) -> Tensor:
    """Turn labels into an image.

    Parameters
    ----------
    labels
        uint8, shape [D, H, W].
    contrast
        From `draw_contrast`.

    Returns
    -------
    Tensor
        Float32, shape [1, 1, D, H, W], 0..1.
    """
    image = contrast[labels.long()].view(1, 1, *labels.shape)

    def uniform(high: float) -> float:
        return high * float(torch.rand(1, generator=generator))

    image = _blur(image, 0.25 + uniform(0.9))
    if uniform(1.0) < 0.15:
        image = _lose_resolution(image, statistics.thickest, generator)
    bias = smooth_noise((1, *labels.shape), 20.0 + uniform(30.0), generator)
    image = image * torch.exp(uniform(statistics.bias) * bias)
    image = image / image.amax().clamp(min=1e-3)
    exponent = math.exp(statistics.gamma * float(torch.randn(1, generator=generator)))
    image = image.clamp(min=0.0) ** exponent
    noise = torch.randn(image.shape, generator=generator)
    noise *= uniform(statistics.noise)
    # Skull-stripped images have no noise where nothing is.
    present = (labels > 0) | (contrast[0] > 0.0)
    return normalise(image + noise * present)


def normalise(image: Tensor) -> Tensor:
    """Bring an image to 0..1: its minimum to 0, its 99.9th percentile to 1, the rest clipped."""
    sampled = image.reshape(-1)[::7]
    low, high = sampled.amin(), torch.quantile(sampled, 0.999)
    return ((image - low) / (high - low).clamp(min=1e-6)).clamp(0.0, 1.0)


def _blur(image: Tensor, sigma_voxels: float) -> Tensor:
    """Approximate a Gaussian by repeated three-tap averages of the same total variance."""
    repeats = max(1, math.ceil(sigma_voxels**2 / 0.6))
    side = sigma_voxels**2 / (2.0 * repeats)
    for _ in range(repeats):
        for axis in (2, 3, 4):
            ahead, behind = image.roll(1, axis), image.roll(-1, axis)
            image = (1.0 - 2.0 * side) * image + side * (ahead + behind)
    return image


def _lose_resolution(image: Tensor, thickest: int, generator: torch.Generator) -> Tensor:
    """Average a few slices along a random axis and interpolate back: thick slices."""
    axis = int(torch.randint(0, 3, (1,), generator=generator))
    kernel = [1, 1, 1]
    kernel[axis] = 2
    if thickest > 2:
        kernel[axis] = int(torch.randint(2, thickest + 1, (1,), generator=generator))
    thick = F.avg_pool3d(image, kernel)
    return F.interpolate(thick, size=image.shape[2:], mode="trilinear", align_corners=False)
