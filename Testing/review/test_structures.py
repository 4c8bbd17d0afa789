"""Statistics per structure are those of its voxels, and know what was not estimated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lattices import FLIPPED, OBLIQUE

from TTAUncertaintyLib.review import MapVolume, structure_statistics


def volume(values: np.ndarray, unit: str = "mm", key: str = "total") -> MapVolume:
    return MapVolume(key, key.capitalize(), unit, values.astype(np.float32), OBLIQUE)


@given(seed=st.integers(0, 10_000), tolerance=st.floats(0.1, 0.9))
def test_every_structure_is_summarised_by_its_own_voxels(seed: int, tolerance: float) -> None:
    generator = np.random.default_rng(seed)
    values = generator.random(OBLIQUE.array_shape).astype(np.float32)
    values[generator.random(values.shape) < 0.2] = np.nan
    labels = generator.integers(0, 4, values.shape)
    found = structure_statistics([volume(values)], labels, {1: "liver"}, tolerance)
    assert [one.label for one in found] == [1, 2, 3]
    assert [one.name for one in found] == ["liver", "label 2", "label 3"]
    for one in found:
        part = values[labels == one.label]
        known = part[np.isfinite(part)].astype(float)
        assert one.voxels == part.size
        assert one.volume_cm3 == pytest.approx(part.size * OBLIQUE.voxel_volume / 1000)
        assert one.share_with_estimate == pytest.approx(known.size / part.size)
        expected = (known.min(), known.mean(), np.median(known), known.max())
        assert (one.minimum, one.mean, one.median, one.maximum) == pytest.approx(expected)
        assert one.p95 == pytest.approx(np.percentile(known, 95))
        assert one.share_above == pytest.approx((known > tolerance).mean())


def test_the_tolerance_counts_millimetres_only_and_folds_are_counted_for_the_jacobian() -> None:
    values = np.full(OBLIQUE.array_shape, 0.5)
    values[0] = -0.1
    labels = np.ones(values.shape, np.uint8)
    maps = [volume(np.abs(values)), volume(values, "", "jacobian")]
    in_mm, jacobian = structure_statistics(maps, labels, {}, 0.4)
    assert in_mm.share_above == pytest.approx(1 - 1 / len(values))
    assert in_mm.share_folded is None
    assert jacobian.share_above is None
    assert jacobian.share_folded == pytest.approx(1 / len(values))


def test_without_a_tolerance_nothing_is_called_too_much() -> None:
    labels = np.ones(OBLIQUE.array_shape, np.uint8)
    (found,) = structure_statistics([volume(np.ones(labels.shape))], labels, {})
    assert found.share_above is None


def test_a_structure_without_any_estimate_is_listed_with_no_numbers() -> None:
    labels = np.ones(OBLIQUE.array_shape, np.uint8)
    (found,) = structure_statistics([volume(np.full(labels.shape, np.nan))], labels, {}, 1.0)
    assert found.share_with_estimate == 0
    assert np.isnan([found.median, found.p95, found.maximum, found.mean]).all()
    assert found.share_above is None


def test_structures_on_another_lattice_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        structure_statistics(
            [volume(np.ones(OBLIQUE.array_shape))], np.ones(FLIPPED.array_shape, int), {}
        )


def test_empty_label_maps_give_no_rows() -> None:
    none = np.zeros(OBLIQUE.array_shape, int)
    assert structure_statistics([volume(np.ones(none.shape))], none, {1: "liver"}) == []
