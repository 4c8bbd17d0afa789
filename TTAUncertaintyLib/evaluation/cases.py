"""Registrations whose true answer is known because it was manufactured.

One real image is deformed by a known map, and its appearance is changed as another scanner would
change it. The truth is exact by construction: with B = A∘phi, phi is what the registration of A
to B has to find. Every second case deforms the moving image instead (by the inverse), so that
interpolation does not always blur the same side.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from ..geometry import (
    DeformableTransform,
    Image,
    Lattice,
    affine_map,
    points_on,
    resample_array,
    resample_image,
    sample,
)
from ..review.foreground import foreground_of
from .fields import draw, inverse_of
from .kinds import REAPPLIED, Deformation
from .random_fields import smooth_noise

#: Control-point distance of the bias field, mm; its logarithm's standard deviation, and that of
#: the noise in shares of the image's range; the largest logarithm of gamma.
_BIAS_MM, _BIAS, _NOISE, _LOG_GAMMA = 60.0, (0.05, 0.15), 0.03, 0.3

#: A thick-sliced fixed image: up to how many times the spacing along one axis.
_THICKEST = 2.5


@dataclass(frozen=True, eq=False)
class KnownCase:
    """Two images and the true map between them."""

    #: For the tables: subject is the image it was made from.
    name: str
    subject: str
    kind: str
    fixed: Image
    moving: Image
    #: Fixed world to moving world, LPS mm.
    truth: DeformableTransform
    #: bool on the fixed image's lattice, axes (k, j, i): where errors count.
    mask: NDArray[np.bool_]
    #: int32 on the fixed image's lattice, axes (k, j, i): structures, 0 for none; None without.
    labels: NDArray[np.int32] | None = None


def manufacture(
    image: Image,
    kind: Deformation,
    seed: int,
    mask: NDArray[np.bool_] | None = None,
    labels: NDArray[np.int32] | None = None,
) -> KnownCase:
    """Make a case of one image and a random deformation.

    Parameters
    ----------
    image
        Of one subject, with a dark background; the brain extracted where the network wants that.
    seed
        Fixes deformation and appearance; every second seed deforms the moving image.
    mask
        bool on the image's lattice, axes (k, j, i): the anatomy; the foreground if None.
    labels
        int32 on the image's lattice, axes (k, j, i): structures to tell apart.

    Raises
    ------
    InputError
        If the image shows nothing, or the deformation cannot be inverted where it has to be.
    """
    generator = torch.Generator().manual_seed(zlib.crc32(f"{kind.value} {seed}".encode()))
    phi = draw(kind, image.lattice, generator)
    anatomy = foreground_of(image.intensities.numpy()) if mask is None else mask
    if not anatomy.any():
        raise InputError(f"{image.name} shows no anatomy.", "Give a mask.")
    shown = Image(torch.from_numpy(anatomy).float(), image.lattice, image.name)
    if seed % 2 == 1 and not kind.folds:
        fixed, region = image, shown
        moving = inverse_of(phi, image.lattice).warp(image, image.lattice)
    else:
        fixed, region = phi.warp(image, image.lattice), phi.warp(shown, image.lattice)
        moving = image
        labels = None if labels is None else _deformed(labels, phi, image.lattice)
    case = KnownCase(
        f"{image.name} {kind.value} {seed}",
        image.name,
        kind.value,
        fixed,
        moving,
        phi,
        region.intensities.numpy() > 0.5,
        labels,
    )
    return _as_another_scanner(case, generator)


def _deformed(
    labels: NDArray[np.int32], phi: DeformableTransform, lattice: Lattice
) -> NDArray[np.int32]:
    """Return labels at the nearest voxel of phi of every voxel, all on one lattice."""
    at = affine_map(torch.tensor(lattice.inverse), points_on(phi, lattice))
    values = torch.from_numpy(labels.astype(np.float32))[None, None]
    found = sample(values, at[None], padding="zeros", mode="nearest")[0, 0]
    return found.numpy().astype(np.int32)


def reapplied(image: Image, transform: DeformableTransform, other: Image, seed: int) -> KnownCase:
    """Make a case of one image and a map that a registration to another one has found.

    Parameters
    ----------
    transform
        `other`'s world to `image`'s world: real anatomy's deformation, as a registration sees it.
    other
        Whose lattice the fixed image gets; its intensities do not matter.
    """
    generator = torch.Generator().manual_seed(zlib.crc32(f"reapplied {seed}".encode()))
    anatomy = torch.from_numpy(foreground_of(image.intensities.numpy())).float()
    region = transform.warp(Image(anatomy, image.lattice), other.lattice).intensities > 0.5
    case = KnownCase(
        f"{image.name} like {other.name} {seed}",
        image.name,
        REAPPLIED,
        transform.warp(image, other.lattice),
        image,
        transform,
        region.numpy(),
    )
    return _as_another_scanner(case, generator)


def _as_another_scanner(case: KnownCase, generator: torch.Generator) -> KnownCase:
    """Change the fixed image's appearance, and in every other draw its slice thickness."""
    inside = torch.from_numpy(case.mask)
    fixed = _changed_appearance(case.fixed, inside, generator)
    factor = _uniform(generator, 1.0, _THICKEST) if _uniform(generator, 0, 1) < 0.5 else 1.0
    axis = int(torch.randint(3, (1,), generator=generator))
    if factor > 1.0:
        spacing = fixed.lattice.spacing.copy()
        spacing[axis] *= factor
        lattice = fixed.lattice.resampled(spacing)
        region = resample_image(Image(inside.float(), fixed.lattice), lattice).intensities > 0.5
        labels = case.labels
        if labels is not None:
            values = torch.from_numpy(labels.astype(np.float32))[None]
            onto = resample_array(values, fixed.lattice, lattice, outside=0.0, mode="nearest")
            case = replace(case, labels=onto[0].numpy().astype(np.int32))
        fixed, inside = resample_image(fixed, lattice), region
    return replace(case, fixed=fixed, mask=inside.numpy())


def _changed_appearance(image: Image, inside: Tensor, generator: torch.Generator) -> Image:
    """Apply a bias field, gamma and noise to the anatomy; the background stays as it is."""
    low = image.background
    values = image.intensities - low
    high = float(torch.quantile(values[inside][:: max(1, int(inside.sum()) // 100_000)], 0.995))
    values = values / max(high, 1e-30)
    spacing = float(np.mean(image.lattice.spacing))
    bias = smooth_noise((1, *values.shape), _BIAS_MM / spacing, generator)[0]
    values = values * torch.exp(_uniform(generator, *_BIAS) * bias)
    values = values.clamp(min=0) ** math.exp(_uniform(generator, -_LOG_GAMMA, _LOG_GAMMA))
    values = values + _NOISE * torch.randn(values.shape, generator=generator) * inside
    return replace(image, intensities=values.clamp(min=0) * high + low)


def _uniform(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(1, generator=generator))
