"""Pairs of synthetic images whose exact correspondence is known.

A pair is a pure function of (seed, index), so that a training run that was interrupted sees the
same pairs as one that was not.

With a label map L, a placement w and a deformation phi (both displacement fields on one lattice):

    moving(x) = L(w(x))        fixed(y) = L'(w(phi(y)))

so phi takes every fixed voxel to the moving voxel that corresponds, with no inverse to be
approximated.  L' is L, or another draw of the anatomy: then tissues differ as between two people,
and phi is only where the anatomy would be if it did not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from TTAUncertaintyLib.evaluation.random_fields import (
    DeformationStatistics,
    affine_displacement,
    random_deformation,
    sample_labels,
)
from TTAUncertaintyLib.models.adapters.one_contrast import edges
from TTAUncertaintyLib.models.networks.displacement_fields import (
    compose_displacements,
    identity_grid,
    upsample_displacement,
)
from TTAUncertaintyLib.training.appearance import AppearanceStatistics, draw_contrast, render
from TTAUncertaintyLib.training.image_lattice import SPACING_MM
from TTAUncertaintyLib.training.label_maps import (
    TRAINING_SHAPE,
    LabelMap,
    body_label_map,
    brain_label_map,
    shapes_label_map,
)


@dataclass(frozen=True)
class SynthesisSettings:
    """What kinds of pairs there are, and how often.

    Attributes
    ----------
    brain_share
        The fraction of brains; the others are random shapes, or trunks.
    body_share
        The fraction of trunks among what is not a brain; places in them shrink and grow, as a heart
        does that beats.
    small_share
        The fraction of brains that are smaller, down to half the size: other species, and children.
    edges_share
        The fraction of pairs that show the strength of edges; see `models.adapters.one_contrast`.
    cut_share
        The fraction of pairs of which one image ends before the other.
    different_share
        The fraction of pairs whose two anatomies differ.
    crop_share, crop_shape
        This fraction of the pairs shows a random box of this shape (D, H, W) only: cheaper, and
        a network that has seen parts is not lost where an image ends.
    deformation, appearance
        See `DeformationStatistics` and `AppearanceStatistics`.
    """

    brain_share: float = 0.7
    body_share: float = 0.0
    small_share: float = 0.0
    edges_share: float = 0.0
    cut_share: float = 0.0
    different_share: float = 0.4
    crop_share: float = 0.7
    crop_shape: tuple[int, int, int] = (64, 64, 64)
    deformation: DeformationStatistics = field(default_factory=DeformationStatistics)
    appearance: AppearanceStatistics = field(default_factory=AppearanceStatistics)


ANYTHING = SynthesisSettings(
    brain_share=0.45,
    body_share=0.65,
    small_share=0.25,
    edges_share=0.15,
    cut_share=0.25,
    deformation=DeformationStatistics(rms_mm=(0.5, 10.0), affine_share=0.4),
    appearance=AppearanceStatistics(same_contrast_share=0.85, contrast_spread=0.12, thickest=5),
)
"""Brains of all sizes, organs and shapes, for a network that is given one contrast at a time."""


@dataclass(frozen=True)
class Geometry:
    """Labels and truth of a pair, before it has any appearance.

    Attributes
    ----------
    moving_map, fixed_map
        What the labels mean; their own labels are the undeformed ones.
    moving_labels, fixed_labels
        uint8, [D, H, W].
    half_displacement
        Float32, [1, 3, D/2, H/2, W/2], in voxels of that lattice; the exact displacement is its
        trilinear interpolation, `upsample_displacement`.
    same_anatomy
        Whether both images show the same label map.
    """

    moving_map: LabelMap
    fixed_map: LabelMap
    moving_labels: Tensor
    fixed_labels: Tensor
    half_displacement: Tensor
    same_anatomy: bool


@dataclass(frozen=True)
class SyntheticPair:
    """Two images and the truth about them.

    Attributes
    ----------
    moving, fixed
        Float32, [1, 1, D, H, W], 0..1.
    displacement
        Float32, [1, 3, D, H, W]: the exact phi minus identity, in voxels.
    moving_groups, fixed_groups
        uint8, [D, H, W]: merged labels, 0 the background.
    same_anatomy
        Whether both images show the same label map.
    brain
        Whether the labels are a brain's, so that group 0 is what lies around it.
    """

    moving: Tensor
    fixed: Tensor
    displacement: Tensor
    moving_groups: Tensor
    fixed_groups: Tensor
    same_anatomy: bool
    brain: bool


def draw_geometry(
    seed: int, index: int, tissues: Tensor | None, settings: SynthesisSettings
) -> Geometry:
    """Draw labels and deformation of this seed and index.

    Parameters
    ----------
    tissues
        From `load_tissue_probabilities`, on any lattice of even shape; None makes random shapes
        only, on the training lattice.
    """
    generator = _generator(seed, index)
    shape = TRAINING_SHAPE if tissues is None else tuple(tissues.shape[1:])
    different, body = _uniform(generator) < settings.different_share, False
    if tissues is not None and _uniform(generator) < settings.brain_share:
        variation = _uniform(generator, 0.3, 1.5)
        parcels = int(_uniform(generator, 1, 24))
        moving_map = fixed_map = brain_label_map(tissues, generator, variation, parcels)
        if different:
            # The second brain keeps the first one's parcels: contrasts stay comparable.
            other = brain_label_map(tissues, generator, variation, 1)
            fixed_map = _exchange_tissue(moving_map, other, parcels)
    else:
        different = False
        body = settings.body_share > 0 and _uniform(generator) < settings.body_share
        if body:
            moving_map = fixed_map = body_label_map(shape, generator)
        else:
            count, size = int(_uniform(generator, 5, 24)), _uniform(generator, 4.0, 20.0)
            moving_map = fixed_map = shapes_label_map(shape, generator, count, size)
    if _uniform(generator) < 0.5:
        moving_map, fixed_map = _mirror(moving_map), _mirror(fixed_map)

    half = (shape[0] // 2, shape[1] // 2, shape[2] // 2)
    spacing = 2.0 * SPACING_MM
    placement = random_deformation(half, spacing, settings.deformation, generator)
    half_displacement = random_deformation(half, spacing, settings.deformation, generator)
    if body:
        half_displacement = _beating(half_displacement, generator)
    brain = bool((moving_map.tissue >= 0).all())
    if brain and settings.small_share > 0 and _uniform(generator) < settings.small_share:
        size = _uniform(generator, 0.45, 1.0)
        zoom = affine_displacement(torch.eye(3, 4) / size, half, spacing)
        placement = compose_displacements(placement, zoom)
        half_displacement = size * half_displacement
    placement, displacement = map(upsample_displacement, (placement, half_displacement))
    return Geometry(
        moving_map=moving_map,
        fixed_map=fixed_map,
        moving_labels=sample_labels(moving_map.labels, placement),
        fixed_labels=sample_labels(
            fixed_map.labels, compose_displacements(placement, displacement)
        ),
        half_displacement=half_displacement,
        same_anatomy=not different,
    )


def draw_appearance(
    geometry: Geometry, seed: int, index: int, settings: SynthesisSettings
) -> SyntheticPair:
    """Turn a geometry into images; seed and index fix their appearance."""
    generator = _generator(seed + 7919, index)
    appearance = settings.appearance
    if _uniform(generator) < settings.crop_share:
        geometry = _crop(geometry, settings.crop_shape, generator)
    moving_contrast = draw_contrast(geometry.moving_map, appearance, generator)
    fixed_contrast = moving_contrast
    if _uniform(generator) >= appearance.same_contrast_share:
        fixed_contrast = draw_contrast(geometry.fixed_map, appearance, generator)
    elif appearance.contrast_spread > 0:
        spread = appearance.contrast_spread * _uniform(generator)
        change = spread * torch.randn(len(moving_contrast), generator=generator)
        # what is dark around a brain is dark in both
        change[0] *= float(moving_contrast[0] > 0)
        fixed_contrast = (moving_contrast + change).clamp(0.0, 1.2)
    moving_labels, fixed_labels = geometry.moving_labels, geometry.fixed_labels
    moving = render(moving_labels, moving_contrast, appearance, generator)
    fixed = render(fixed_labels, fixed_contrast, appearance, generator)
    if settings.edges_share > 0 and _uniform(generator) < settings.edges_share:
        moving, fixed = edges(moving), edges(fixed)
    if settings.cut_share > 0 and _uniform(generator) < settings.cut_share:
        _cut(moving if _uniform(generator) < 0.5 else fixed, generator)
    return SyntheticPair(
        moving=moving,
        fixed=fixed,
        displacement=upsample_displacement(geometry.half_displacement),
        moving_groups=geometry.moving_map.groups.to(torch.uint8)[moving_labels.long()],
        fixed_groups=geometry.fixed_map.groups.to(torch.uint8)[fixed_labels.long()],
        same_anatomy=geometry.same_anatomy,
        brain=bool((geometry.moving_map.tissue >= 0).all()),
    )


class PairSource(Dataset[SyntheticPair]):
    """The pairs of a training run, each a pure function of (seed, step).

    Drawing labels and deformations takes longer than drawing an appearance, so every geometry is
    used several times, in several appearances, spread over a window of steps.

    Parameters
    ----------
    seed, tissues, settings
        See `draw_geometry`.
    reuse
        How often a geometry is used on average.
    window
        How many of the latest geometries a step chooses from.
    """

    def __init__(
        self,
        seed: int,
        tissues: Tensor | None,
        settings: SynthesisSettings,
        reuse: int = 3,
        window: int = 48,
    ) -> None:
        self._seed, self._tissues, self._settings = seed, tissues, settings
        self._reuse, self._window = reuse, window
        self._cache: dict[int, Geometry] = {}

    def __getitem__(self, step: int) -> SyntheticPair:
        """Return the pair of this step."""
        newest = step // self._reuse
        back = int(_uniform(_generator(self._seed + 104729, step), 0, self._window))
        index = newest - back if step % self._reuse > 0 and back <= newest else newest
        for stale in [key for key in self._cache if key < newest - self._window]:
            del self._cache[stale]
        if index not in self._cache:
            self._cache[index] = draw_geometry(self._seed, index, self._tissues, self._settings)
        return draw_appearance(self._cache[index], self._seed, step, self._settings)


def _generator(seed: int, index: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 1_000_003 + index)


def _uniform(generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> float:
    return low + (high - low) * float(torch.rand(1, generator=generator))


def group_overlap_maps(groups: Tensor, count: int, pooling: int) -> Tensor:
    """Return soft membership of the groups 1..count-1, pooled to a coarser lattice.

    Parameters
    ----------
    groups
        uint8, [B, D, H, W].

    Returns
    -------
    Tensor
        Float32, [B, count - 1, D/pooling, H/pooling, W/pooling].
    """
    members = torch.stack([(groups == group).float() for group in range(1, count)], dim=1)
    return F.avg_pool3d(members, pooling) if pooling > 1 else members


def _crop(geometry: Geometry, shape: tuple[int, int, int], generator: torch.Generator) -> Geometry:
    """Cut the same random box, of even origin, out of both images."""
    whole = geometry.fixed_labels.shape
    size = [min(n, full) for n, full in zip(shape, whole, strict=True)]
    # The mean of two draws: the middle, where the content is, comes more often than the corners.
    begin = [
        2 * int((full - n + 1) / 2 * (_uniform(generator) + _uniform(generator)) / 2)
        for n, full in zip(size, whole, strict=True)
    ]
    box = tuple(slice(b, b + n) for b, n in zip(begin, size, strict=True))
    k, j, i = (slice(b // 2, (b + n) // 2) for b, n in zip(begin, size, strict=True))
    return replace(
        geometry,
        moving_labels=geometry.moving_labels[box],
        fixed_labels=geometry.fixed_labels[box],
        half_displacement=geometry.half_displacement[:, :, k, j, i],
    )


def _beating(displacement: Tensor, generator: torch.Generator) -> Tensor:
    """Let a few places of a deformation [1, 3, D, H, W] shrink or grow; none of it folds."""
    shape = displacement.shape[2:]
    grid = identity_grid(shape, displacement)
    size = torch.tensor([float(n) for n in reversed(shape)])
    for _ in range(int(_uniform(generator, 1, 4))):
        centre = size * (0.2 + 0.6 * torch.rand(3, generator=generator))
        offset = grid - centre.view(1, 3, 1, 1, 1)
        width, strength = _uniform(generator, 4.0, 10.0), _uniform(generator, -0.6, 0.6)
        near = torch.exp(-0.5 * offset.square().sum(1, keepdim=True) / width**2)
        displacement = compose_displacements(displacement, strength * near * offset)
    return displacement


def _cut(image: Tensor, generator: torch.Generator) -> None:
    """Blank up to a quarter of an image [1, 1, D, H, W], in place, beyond a plane."""
    axis = 2 + int(torch.randint(0, 3, (1,), generator=generator))
    length = image.shape[axis]
    gone = int(length * _uniform(generator, 0.05, 0.25))
    first = 0 if _uniform(generator) < 0.5 else length - gone
    image.narrow(axis, first, gone).zero_()


def _exchange_tissue(first: LabelMap, other: LabelMap, parcels: int) -> LabelMap:
    """Give the first map's parcels the other map's tissues."""
    labels, tissue = first.labels.long(), other.labels.long()
    # Outside the first brain there is no parcel: the other one's rim gets parcel 0.
    parcel = torch.where(labels > 0, (labels - 1) % parcels, 0)
    exchanged = torch.where(tissue > 0, 1 + (tissue - 1) * parcels + parcel, 0)
    return LabelMap(exchanged.to(torch.uint8), first.groups, first.tissue)


def _mirror(labels: LabelMap) -> LabelMap:
    return LabelMap(labels.labels.flip(2), labels.groups, labels.tissue)
