"""Synthetic pairs: the truth is the truth, and the same seed tells the same story."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from TTAUncertaintyLib.evaluation.random_fields import folded_fraction, sample_labels
from TTAUncertaintyLib.models.networks.displacement_fields import upsample_displacement
from TTAUncertaintyLib.training.appearance import normalise
from TTAUncertaintyLib.training.label_maps import body_label_map, brain_label_map, nearest_seed
from TTAUncertaintyLib.training.synthesis import (
    ANYTHING,
    PairSource,
    SynthesisSettings,
    SyntheticPair,
    draw_appearance,
    draw_geometry,
    group_overlap_maps,
)

WHOLE = SynthesisSettings(crop_share=0.0)
BRAINS = replace(WHOLE, brain_share=1.0, different_share=0.0)


def _equal(first: SyntheticPair, second: SyntheticPair) -> bool:
    pairs = [(getattr(first, f.name), getattr(second, f.name)) for f in fields(SyntheticPair)]
    return all(torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in pairs)


@pytest.mark.parametrize("index", range(4))
def test_the_field_takes_fixed_labels_to_equal_moving_labels(tissues: Tensor, index: int) -> None:
    """Without sampling the labels would agree everywhere: here, up to voxels beside a border."""
    geometry = draw_geometry(1, index, tissues, BRAINS)
    displacement = upsample_displacement(geometry.half_displacement)
    fixed = geometry.fixed_map.groups[geometry.fixed_labels.long()]
    moving = geometry.moving_map.groups[geometry.moving_labels.long()]
    predicted = geometry.moving_map.groups[
        sample_labels(geometry.moving_labels, displacement).long()
    ]
    # A voxel whose neighbours all share its label is no border voxel.
    interior = _interior(fixed)
    agree = float((predicted == fixed)[interior].float().mean())
    disagree_unregistered = float((moving != fixed)[interior].float().mean())
    assert agree > 0.985
    assert 1.0 - agree < 0.5 * disagree_unregistered


def _interior(labels: Tensor) -> Tensor:
    same = torch.ones(labels.shape, dtype=torch.bool)
    for axis in range(3):
        for shift in (-1, 1):
            same &= labels.roll(shift, axis) == labels
    return same


BODIES = replace(ANYTHING, brain_share=0.0, body_share=1.0, crop_share=0.0)
SMALL_BRAINS = replace(
    ANYTHING, brain_share=1.0, small_share=1.0, different_share=0.0, crop_share=0.0
)


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("settings", [BODIES, SMALL_BRAINS], ids=["bodies", "small brains"])
def test_beating_and_small_things_keep_the_truth(
    tissues: Tensor, settings: SynthesisSettings, index: int
) -> None:
    geometry = draw_geometry(8, index, tissues, settings)
    displacement = upsample_displacement(geometry.half_displacement)
    assert folded_fraction(displacement) == 0.0
    predicted = sample_labels(geometry.moving_labels, displacement)
    interior = _interior(geometry.fixed_labels) & _lands_inside(displacement)
    agree = float((predicted == geometry.fixed_labels)[interior].float().mean())
    moved = float((geometry.moving_labels != geometry.fixed_labels)[interior].float().mean())
    assert agree > 0.97
    assert 1.0 - agree < 0.5 * moved


def _lands_inside(displacement: Tensor) -> Tensor:
    """Return where the moving voxel that corresponds is in the image: beyond it nobody knows."""
    inside = torch.ones(displacement.shape[2:], dtype=torch.uint8)
    inside[:1], inside[-1:] = 0, 0
    inside[:, :1], inside[:, -1:] = 0, 0
    inside[..., :1], inside[..., -1:] = 0, 0
    return sample_labels(inside, displacement) > 0


def test_a_trunk_has_a_wall_and_organs_within() -> None:
    drawn = body_label_map((40, 48, 48), torch.Generator().manual_seed(3))
    present = drawn.labels.unique().tolist()
    assert {0, 1, 2, 3} <= set(present)
    assert len(present) > 5
    assert max(present) < len(drawn.groups) == len(drawn.tissue)
    air = drawn.labels == 0
    organs = drawn.labels > 3
    beside = torch.stack([organs.roll(s, axis) for s in (-1, 1) for axis in (1, 2)]).any(0)
    assert not (air & beside)[1:-1, 1:-1, 1:-1].any()


def test_small_brains_are_smaller(tissues: Tensor) -> None:
    small, usual = (
        sum(
            float((draw_geometry(9, n, tissues, settings).moving_labels > 0).float().mean())
            for n in range(6)
        )
        for settings in (SMALL_BRAINS, replace(SMALL_BRAINS, small_share=0.0))
    )
    assert small < 0.75 * usual


def test_one_of_the_images_ends_before_the_other_or_shows_edges(tissues: Tensor) -> None:
    settings = replace(BODIES, cut_share=1.0, edges_share=0.0)
    cut = 0
    for step in range(6):
        pair = PairSource(10, tissues, settings)[step]
        ends = [
            (image == 0).all(dim=axis).all(dim=axis - 1).any()
            for image in (pair.moving[0, 0], pair.fixed[0, 0])
            for axis in (2, 1)
        ]
        cut += any(bool(end) for end in ends)
    assert cut >= 3
    plain, edged = (
        PairSource(11, tissues, replace(BODIES, cut_share=0.0, edges_share=share))[0]
        for share in (0.0, 1.0)
    )
    assert not torch.equal(plain.moving, edged.moving)
    assert torch.equal(plain.displacement, edged.displacement)


def test_fields_do_not_fold(tissues: Tensor) -> None:
    for index in range(10):
        geometry = draw_geometry(2, index, tissues, WHOLE)
        assert folded_fraction(upsample_displacement(geometry.half_displacement)) == 0.0


def test_images_and_groups_are_what_the_network_expects(tissues: Tensor) -> None:
    for step in range(12):
        pair = PairSource(3, tissues, SynthesisSettings(crop_shape=(16, 32, 16)))[step]
        for image in (pair.moving, pair.fixed):
            assert torch.isfinite(image).all()
            assert float(image.min()) >= 0.0
            assert float(image.max()) <= 1.0
        assert pair.displacement.shape[2:] == pair.fixed.shape[2:]
        assert pair.fixed_groups.shape == pair.fixed.shape[2:]
        assert int(pair.moving_groups.max()) < 4


def test_the_same_seed_gives_the_same_pairs_whatever_came_before(tissues: Tensor) -> None:
    first, second = PairSource(4, tissues, WHOLE), PairSource(4, tissues, WHOLE)
    for step in range(9):
        first[step]
    assert _equal(first[9], second[9])
    assert not _equal(first[9], first[10])
    assert not _equal(first[9], PairSource(5, tissues, WHOLE)[9])


def test_a_crop_keeps_the_truth(tissues: Tensor) -> None:
    settings = replace(BRAINS, crop_share=1.0, crop_shape=(16, 32, 16))
    geometry = draw_geometry(6, 0, tissues, settings)
    whole = draw_appearance(geometry, 6, 0, replace(settings, crop_share=0.0))
    part = draw_appearance(geometry, 6, 0, settings)
    assert part.fixed.shape[2:] == (16, 32, 16)
    windows = whole.fixed_groups.unfold(0, 16, 2).unfold(1, 32, 2).unfold(2, 16, 2)
    found = (windows == part.fixed_groups).all(-1).all(-1).all(-1).nonzero()
    assert len(found) >= 1
    k, j, i = (2 * found[0]).tolist()
    expected = whole.displacement[:, :, k : k + 16, j : j + 32, i : i + 16]
    inner = (slice(None), slice(None), *[slice(1, -1)] * 3)
    assert torch.allclose(part.displacement[inner], expected[inner], atol=1e-4)


def test_different_anatomy_differs_beyond_the_deformation(tissues: Tensor) -> None:
    settings = replace(BRAINS, different_share=1.0)
    geometry = draw_geometry(7, 1, tissues, settings)
    assert not geometry.same_anatomy
    first = geometry.moving_map.groups[geometry.moving_map.labels.long()]
    second = geometry.fixed_map.groups[geometry.fixed_map.labels.long()]
    assert 0.01 < float((first != second).float().mean()) < 0.6


def test_without_variation_the_brain_is_the_template(tissues: Tensor) -> None:
    drawn = brain_label_map(tissues, torch.Generator().manual_seed(1), 0.0, 1)
    assert torch.equal(drawn.labels.long(), tissues.argmax(0))


def test_every_parcel_is_used() -> None:
    parcels = nearest_seed((32, 32, 32), 6, torch.Generator().manual_seed(2))
    assert set(parcels.unique().tolist()) <= set(range(6))
    assert len(parcels.unique()) >= 4


def test_normalising_ignores_scale_and_offset() -> None:
    image = torch.rand(1, 1, 12, 12, 12, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(normalise(image), normalise(40.0 * image - 7.0), atol=1e-4)


def test_overlap_maps_count_the_members() -> None:
    groups = torch.zeros(1, 4, 4, 4, dtype=torch.uint8)
    groups[:, :2] = 2
    maps = group_overlap_maps(groups, 4, 2)
    assert maps.shape == (1, 3, 2, 2, 2)
    assert maps[0, 1, 0].eq(1).all()
    assert float(maps.sum()) == 4.0
