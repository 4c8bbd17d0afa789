"""Images to judge the network on; none of them is ever trained on.

Manufactured cases deform one real image by a known field and change its appearance: the error is
known in every voxel.  The real pair has no truth; there the overlap of tissues counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk
import torch
from torch import Tensor

from TTAUncertaintyLib.evaluation.random_fields import (
    DeformationStatistics,
    random_deformation,
    smooth_noise,
)
from TTAUncertaintyLib.geometry import read_stored
from TTAUncertaintyLib.models.networks.displacement_fields import (
    sample_displaced,
    upsample_displacement,
)
from TTAUncertaintyLib.training.appearance import normalise
from TTAUncertaintyLib.training.image_lattice import (
    SPACING_MM,
    bring_to_lattice,
    lattice_around_content,
)

EVALUATION_SHAPE = (96, 112, 96)
"""(D, H, W): 192 x 224 x 192 mm at 2 mm."""


@dataclass(frozen=True)
class ManufacturedCase:
    """A real image and a deformed copy of it, with the truth."""

    #: For the table.
    name: str
    #: Float32, [1, 1, D, H, W], 0..1.
    moving: Tensor
    fixed: Tensor
    #: Float32, [1, 3, D, H, W], voxels.
    displacement: Tensor
    #: Boolean, [D, H, W]: the brain in the fixed image.
    mask: Tensor

    @property
    def rms_mm(self) -> float:
        """Root mean square of the true displacement inside the mask, mm."""
        square = self.displacement.square().sum(1)[0][self.mask].mean()
        return float(square.sqrt()) * SPACING_MM


def load_volume(path: Path, like: sitk.Image | None = None) -> tuple[Tensor, sitk.Image]:
    """Read an image onto a 2 mm lattice, axes towards superior, anterior, right.

    Parameters
    ----------
    path
        Any file that `read_stored` reads; skull-stripped, 0 around the brain.
    like
        The lattice to use (the fixed image's); None centres `EVALUATION_SHAPE` on the content.

    Returns
    -------
    volume
        Float32, [1, 1, D, H, W], 0..1.
    lattice
        An image that carries origin, spacing and direction.
    """
    image = sitk.Cast(read_stored(path).to_itk(), sitk.sitkFloat32)
    lattice = like if like is not None else lattice_around_content(image, EVALUATION_SHAPE)
    volume = torch.from_numpy(bring_to_lattice(image, lattice))
    return normalise(volume.clamp(min=0.0)).view(1, 1, *volume.shape), lattice


def manufactured_case(
    name: str, image: Tensor, seed: int, *, affine: bool = False, inverted: bool = False
) -> ManufacturedCase:
    """Deform an image by a known field and change its appearance.

    Parameters
    ----------
    image
        Float32, [1, 1, D, H, W], 0..1.
    seed
        Fixes field and appearance; the field's size lies between 5 and 8 mm rms (smooth cases) or
        up to 12 mm (affine ones).
    affine
        Deform by an affine map instead of a smooth one.
    inverted
        Turn bright into dark in the fixed image's brain: a contrast unlike the moving image's.
    """
    generator = torch.Generator().manual_seed(900_000 + seed)

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=generator))

    mask = image[0, 0] > 0.02
    wanted = uniform(5.0, 8.0) if not affine else uniform(5.0, 12.0)
    statistics = DeformationStatistics(
        rms_mm=(0.0, 0.0) if affine else (wanted, wanted),
        spacing_mm=(60.0, 36.0, 24.0),
        finest_share=0.4,
        rotation_deg=4.0 if affine else 0.0,
        translation_mm=4.0 if affine else 0.0,
        log_scale=0.06 if affine else 0.0,
        shear=0.02 if affine else 0.0,
        affine_share=1.0,
    )
    half = tuple(n // 2 for n in image.shape[2:])
    displacement = upsample_displacement(
        random_deformation((half[0], half[1], half[2]), 2 * SPACING_MM, statistics, generator)
    )
    warped_mask = sample_displaced(mask[None, None].float(), displacement)[0, 0] > 0.5
    size = float(displacement.square().sum(1)[0][warped_mask].mean().sqrt()) * SPACING_MM
    if affine:
        displacement = displacement * (min(size, wanted) / size)
        warped_mask = sample_displaced(mask[None, None].float(), displacement)[0, 0] > 0.5
    fixed = sample_displaced(image, displacement)
    if inverted:
        fixed = torch.where(warped_mask, 1.1 - fixed, 0.0)
    bias = smooth_noise((1, *image.shape[2:]), 30.0, generator)
    fixed = fixed * torch.exp(uniform(0.05, 0.15) * bias)
    fixed = fixed.clamp(min=0.0) ** math.exp(uniform(-0.3, 0.3))
    noise = 0.03 * torch.randn(fixed.shape, generator=generator)
    fixed = normalise(fixed + noise * warped_mask)
    return ManufacturedCase(name, image, fixed, displacement, warped_mask)
