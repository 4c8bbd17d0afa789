"""What a network has left over, found by demons on images of one local contrast.

A network answers at once and leaves errors of half a voxel and more where the images say better.
A few steps of the classical demons, from its answer on, find most of that: Thirion (Medical Image
Analysis 2, 1998), with the slopes of both images (Vercauteren et al., NeuroImage 45, 2009). Before,
every place of either image is given one mean and one contrast, so that a bias field, or another
scanner's brightness, is no error to them, as to the local correlation.

Everything that is smooth is computed at half the resolution, at an eighth of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from TTAUncertaintyLib.geometry.resample import gaussian_smooth

from .displacement_fields import sample_displaced, slopes_of

#: Standard deviations of the Gaussians that the steps are smoothed with, in voxels, the same
#: along each axis (of 2 mm, as they were chosen): first what wide surroundings agree on. And how
#: much longer a step is than the demons' own, per squared width: of forces that differ from place
#: to place, wider ones leave less.
_WIDTHS, _LENGTH = tuple(np.linspace(6.0, 1.3, 8)), 0.64

#: Standard deviation of the Gaussian around a place, in voxels.
_AROUND = 1.1

#: Contrast, of images 0..1, that is no more than noise; a squared slope that says nothing.
_NOISE, _FLAT = 0.02, 1e-3


@dataclass(frozen=True)
class DemonsFixed:
    """What the demons need of the fixed image: computed once, compared with many."""

    #: [B, 1, D, H, W]: see `in_local_contrast`.
    image: Tensor
    #: [B, 3, D, H, W]: its slopes along (i, j, k), per voxel.
    slopes: Tensor

    @classmethod
    def of(cls, fixed: Tensor) -> DemonsFixed:
        """Return that of a fixed image, [B, 1, D, H, W], 0..1, every axis even."""
        image = in_local_contrast(fixed)
        return cls(image, slopes_of(image))


def refined(displacement: Tensor, moving: Tensor, fixed: DemonsFixed) -> Tensor:
    """Improve a displacement that is nearly right.

    Parameters
    ----------
    displacement
        Float32, shape [B, 3, D, H, W], voxels, components (i, j, k); every axis even.
    moving
        Shape [B, 1, D, H, W], 0..1.
    fixed
        On the same lattice; a single one serves a batch.

    Returns
    -------
    Tensor
        As `displacement`. Where the images agree, or show nothing, it is what it was, but for
        rounding.
    """
    image = in_local_contrast(moving)
    with torch.autocast(moving.device.type, enabled=False):
        for width in _WIDTHS:
            warped = sample_displaced(image, displacement)
            difference = fixed.image - warped
            slopes = (fixed.slopes + slopes_of(warped)) / 2
            stiffness = slopes.square().sum(1, keepdim=True) + difference.square() + _FLAT
            step = F.avg_pool3d(slopes * (difference / stiffness), 2)
            step = _smoothed(step, width / 2, finer=2)
            displacement = displacement.add(step, alpha=_LENGTH * width**2)
    return displacement


def in_local_contrast(image: Tensor) -> Tensor:
    """Give every place of [B, 1, D, H, W], 0..1, the mean 0 and nearly the contrast 1; float32."""
    with torch.autocast(image.device.type, enabled=False):
        image = image.float()
        both = F.avg_pool3d(torch.cat((image, image.square()), 1), 2)
        mean, squares = _smoothed(both, _AROUND / 2).split(1, 1)
        contrast = (squares - mean.square()).clamp(min=0).sqrt()
        local = torch.cat((mean, 1 / (contrast + _NOISE)), 1)
        mean, scale = _smoothed(local, 0, finer=2).split(1, 1)
        return (image - mean) * scale


def _smoothed(values: Tensor, width: float, finer: int = 1) -> Tensor:
    """Smooth [B, C, D, H, W]; with `finer` 2, carry it to the lattice of half the spacing too."""
    smooth = gaussian_smooth(values.flatten(0, 1), np.full(3, width), finer)
    return smooth.unflatten(0, values.shape[:2])
