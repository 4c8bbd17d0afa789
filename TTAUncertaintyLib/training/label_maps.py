"""Label maps to synthesise images from: brains with varied anatomy, trunks, and random shapes.

No image intensities enter anywhere.  The brains come from the grey- and white-matter probability
maps of the ICBM152 2009a nonlinear symmetric template (Fonov et al., NeuroImage 2011) that the
nilearn wheel carries; the random shapes follow SynthMorph (Hoffmann et al., IEEE TMI 2022).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk
import torch
import torch.nn.functional as F
from torch import Tensor

from TTAUncertaintyLib.evaluation.random_fields import smooth_noise
from TTAUncertaintyLib.geometry import read_stored
from TTAUncertaintyLib.training.image_lattice import bring_to_lattice, lattice_around_content

TRAINING_SHAPE = (80, 96, 80)
"""(D, H, W) of the training lattice: 160 x 192 x 160 mm at 2 mm."""

GROUPS = 4
"""Labels are merged into this many groups for the overlap term; group 0 is the background."""

_GREY = "mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz"
_WHITE = "mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz"
_TEMPLATE = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


@dataclass(frozen=True)
class LabelMap:
    """A map of integer labels and what they stand for.

    Attributes
    ----------
    labels
        uint8, shape [D, H, W]; 0 is the background.
    groups
        int64, shape [number of labels]: the group (0..GROUPS-1) of each label.
    tissue
        int64, shape [number of labels]: 0 none, 1 fluid, 2 grey matter, 3 white matter; -1 where
        the label is no brain tissue.
    """

    labels: Tensor
    groups: Tensor
    tissue: Tensor


def find_tissue_maps() -> Path:
    """Return the folder of the template's tissue maps in an installed nilearn.

    Raises
    ------
    FileNotFoundError
        If nilearn is not installed; the message says what to do.
    """
    specification = importlib.util.find_spec("nilearn")
    if specification is None or not specification.submodule_search_locations:
        raise FileNotFoundError(
            "The brain label maps are made from tissue maps in the nilearn wheel. Run "
            "'pip install --no-deps nilearn', or name the folder that holds "
            f"{_GREY} with --tissue-maps."
        )
    return Path(specification.submodule_search_locations[0]) / "datasets" / "data"


def load_tissue_probabilities(folder: Path) -> Tensor:
    """Read the template's tissue maps onto the training lattice.

    Parameters
    ----------
    folder
        Holds the three files of the nilearn wheel.  The template image itself serves only as the
        brain mask (non-zero or zero); its intensities are not used.

    Returns
    -------
    Tensor
        Float32, shape [4, D, H, W] (`TRAINING_SHAPE`), axes towards superior,
        anterior, right:
        background, fluid, grey matter, white matter; they sum to one.
    """
    for name in (_GREY, _WHITE, _TEMPLATE):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} does not hold {name}, which nilearn's wheel has.")
    template = read_stored(folder / _TEMPLATE).to_itk()
    lattice = lattice_around_content(template, TRAINING_SHAPE)

    def resample(image: sitk.Image) -> Tensor:
        return torch.from_numpy(bring_to_lattice(image, lattice)).clamp(min=0.0)

    def read(name: str) -> Tensor:
        return resample(read_stored(folder / name).to_itk())

    grey, white = read(_GREY), read(_WHITE)
    grey, white = (x / max(1.0, float(x.max())) for x in (grey, white))
    mask = resample(template > 0)
    matter = grey + white
    excess = (matter / mask.clamp(min=1e-3)).clamp(min=1.0)
    grey, white = grey / excess, white / excess
    fluid = (mask - grey - white).clamp(min=0.0)
    return torch.stack((1.0 - mask, fluid, grey, white))


def brain_label_map(
    tissues: Tensor, generator: torch.Generator, variation: float, parcels: int
) -> LabelMap:
    """Draw a brain whose anatomy varies.

    Parameters
    ----------
    tissues
        From `load_tissue_probabilities`.
    generator
        Source of all randomness.
    variation
        Standard deviation of the smooth noise that is added to the logarithms of the tissue
        probabilities before the argmax: 0 gives the template, 1.5 moves the cortex visibly.
    parcels
        Every tissue is cut into this many regions of its own contrast.
    """
    shape = tissues.shape[1:]
    logits = (tissues + 1e-3).log()
    fine = smooth_noise((4, *shape), 4.0, generator)
    coarse = smooth_noise((4, *shape), 12.0, generator)
    noise = variation * (0.6 * fine + 0.8 * coarse)
    noise[0] *= 0.5  # the brain's outline varies less than its folds
    tissue = (logits + noise).argmax(0)
    parcel = nearest_seed(shape, parcels, generator)
    labels = torch.where(tissue > 0, 1 + (tissue - 1) * parcels + parcel, 0)
    kinds = torch.arange(1, 4).repeat_interleave(parcels)
    kinds = torch.cat((torch.zeros(1, dtype=torch.int64), kinds))
    return LabelMap(labels.to(torch.uint8), kinds.clone(), kinds)


def shapes_label_map(
    shape: tuple[int, ...], generator: torch.Generator, labels: int, size_voxels: float
) -> LabelMap:
    """Draw a map of random smooth shapes: the argmax of smooth noise, one field per label."""
    size = int(torch.randint(0, 2, (1,), generator=generator))
    fields = smooth_noise((labels, *shape), size_voxels, generator)
    if size:  # half of the maps have a second, finer scale
        fields = fields + 0.5 * smooth_noise((labels, *shape), size_voxels / 2.5, generator)
    drawn = fields.argmax(0)
    groups = torch.randint(1, GROUPS, (labels,), generator=generator)
    groups[0] = 0
    return LabelMap(drawn.to(torch.uint8), groups, torch.full((labels,), -1))


def body_label_map(shape: tuple[int, ...], generator: torch.Generator) -> LabelMap:
    """Draw what a trunk may look like inside: wall, organs in organs, vessels in some of them.

    Parameters
    ----------
    shape
        (D, H, W), the first axis along the trunk, which no image shows the ends of.
    generator
        Source of all randomness.
    """

    def uniform(low: float, high: float, *count: int) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    size = torch.tensor([float(n) for n in shape])
    axes = [torch.arange(n, dtype=torch.float32) for n in shape]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    spacing = float(uniform(8.0, 24.0))
    places = places + 0.25 * spacing * smooth_noise((3, *shape), spacing, generator)
    near = smooth_noise((2, *shape), float(uniform(7.0, 14.0)), generator)
    # two smooth surfaces meet in curves
    vessels = near.square().sum(0).sqrt() < uniform(0.15, 0.4)

    middle, radii = size / 2, size[1:] * uniform(0.35, 0.8, 2)
    across = (places[1:] - middle[1:, None, None, None]) / radii[:, None, None, None]
    distance = across.square().sum(0).sqrt()
    wall = uniform(0.75, 0.95)
    drawn = (distance < 1).long() + (distance < (1 + wall) / 2).long() + (distance < wall).long()
    inside = distance < wall
    count = 4
    for _ in range(int(uniform(4, 12))):
        centre = size * uniform(0.1, 0.9, 3)
        extent = uniform(6.0, 32.0) * uniform(0.6, 1.4, 3)
        offset = (places - centre[:, None, None, None]) / extent[:, None, None, None]
        organ = offset.square().sum(0).sqrt()
        drawn[(organ < 1) & inside] = count
        count += 1
        kind = float(torch.rand(1, generator=generator))
        if kind < 0.4:  # a chamber in its muscle, a kidney in its fat
            drawn[(organ < uniform(0.4, 0.8)) & inside] = count
            count += 1
        elif kind < 0.75:  # a lung, a liver
            drawn[(organ < 0.95) & inside & vessels] = count
            count += 1
    groups = torch.randint(1, GROUPS, (count,), generator=generator)
    groups[0] = 0
    return LabelMap(drawn.to(torch.uint8), groups, torch.full((count,), -1))


def nearest_seed(shape: tuple[int, ...], seeds: int, generator: torch.Generator) -> Tensor:
    """Return a Voronoi partition with wavy borders: int64, shape [D, H, W], 0..seeds-1."""
    if seeds <= 1:
        return torch.zeros(shape, dtype=torch.int64)
    # A quarter of the resolution is enough: the borders are wavy anyhow.
    coarse = tuple(n // 4 for n in shape)
    points = torch.rand(seeds, 3, generator=generator) * torch.tensor(coarse)
    axes = [torch.arange(n, dtype=torch.float32) for n in coarse]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    places = places + 1.5 * smooth_noise((3, *coarse), 4.0, generator).permute(1, 2, 3, 0)
    nearest = torch.cdist(places.reshape(-1, 3), points).argmin(1).reshape(1, 1, *coarse)
    enlarged = F.interpolate(nearest.float(), size=shape, mode="nearest")
    return enlarged[0, 0].long()
