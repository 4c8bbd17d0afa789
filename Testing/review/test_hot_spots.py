"""Hot spots are the connected places above the threshold, and are named after their structure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from support.lattices import lattices

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.review import hot_spot_regions, in_structures

LATTICE = Lattice.from_geometry(
    (30, 24, 20), (1.5, 2.0, 3.0), (10, -20, 30), [[0, -1, 0], [1, 0, 0], [0, 0, -1]]
)


def two_blobs() -> np.ndarray:
    """A high block about voxel (6, 6, 6) and a lower one about (20, 15, 12), (i, j, k)."""
    values = np.full(LATTICE.array_shape, 0.2, np.float32)
    values[4:9, 4:9, 4:9] = 2.0
    values[6, 6, 6] = 3.0
    values[10:15, 13:18, 18:23] = 1.5
    values[12, 15, 20] = 2.5
    return values


def everywhere() -> np.ndarray:
    return np.ones(LATTICE.array_shape, bool)


def test_spots_are_ranked_by_peak_and_lie_where_the_peak_is() -> None:
    high, low = hot_spot_regions(two_blobs(), everywhere(), LATTICE, 1.0).spots
    assert (high.peak, low.peak) == (3.0, 2.5)
    assert (high.voxel, low.voxel) == ((6, 6, 6), (20, 15, 12))
    np.testing.assert_allclose(high.position_lps_mm, LATTICE.to_world([6, 6, 6]))
    x, y, z = high.position_lps_mm
    assert high.position_ras_mm == (-x, -y, z)
    assert high.volume_cm3 == pytest.approx(125 * 9.0 / 1000)
    assert high.mean == pytest.approx((124 * 2.0 + 3.0) / 125)


def test_of_peaks_that_read_alike_the_larger_place_comes_first() -> None:
    values = np.full(LATTICE.array_shape, 0.2, np.float32)
    values[4:7, 4:7, 4:7] = 3.002
    values[10:15, 13:18, 18:23] = 2.998  # both read 3.00
    values[1, 1, 1:4] = 2.98
    spots = hot_spot_regions(values, everywhere(), LATTICE, 1.0, smallest_cm3=0.0).spots
    assert [round(spot.volume_cm3 / 0.009) for spot in spots] == [125, 27, 3]
    assert [spot.voxel for spot in spots] == [(20, 15, 12), (5, 5, 5), (2, 1, 1)]  # inside


def test_a_spot_is_found_again_from_any_point_inside_it() -> None:
    regions = hot_spot_regions(two_blobs(), everywhere(), LATTICE, 1.0)
    for voxel, expected in (((4, 8, 4), 0), ((22, 17, 14), 1), ((1, 1, 1), None)):
        x, y, z = LATTICE.to_world(np.array(voxel) + 0.4).tolist()
        assert regions.spot_at((x, y, z)) == expected
    assert regions.spot_at((1e4, 0.0, 0.0)) is None


def test_spots_that_are_left_out_take_up_no_voxels() -> None:
    regions = hot_spot_regions(two_blobs(), everywhere(), LATTICE, 1.0, most=1)
    assert len(regions.spots) == 1
    assert set(np.unique(regions.labels)) == {0, 1}
    assert (regions.labels > 0).sum() == 125
    tiny = hot_spot_regions(two_blobs(), everywhere(), LATTICE, 2.2, smallest_cm3=0.1)
    assert not tiny.spots
    assert not tiny.labels.any()


def test_a_spot_is_named_after_the_structure_that_holds_most_of_it() -> None:
    structures = np.zeros(LATTICE.array_shape, np.uint8)
    structures[4:9, 4:9, 4:6] = 1  # two fifths of the high spot
    structures[4:9, 4:9, 6:9] = 2  # three fifths
    regions = hot_spot_regions(two_blobs(), everywhere(), LATTICE, 1.0)
    high, low = in_structures(regions, structures, {1: "putamen", 2: "caudate"}).spots
    assert high.structure == "caudate"
    assert high.structure_share == pytest.approx(0.6)
    assert (low.structure, low.structure_share) == ("", 0.0)
    assert high.as_dict()["structure"] == "caudate"
    assert "structure" not in low.as_dict()
    (unnamed, _) = in_structures(regions, structures, {}).spots
    assert unnamed.structure == "label 2"


@given(lattice=lattices(least=6))
def test_no_estimate_is_no_hot_spot(lattice: Lattice) -> None:
    values = np.full(lattice.array_shape, np.nan, np.float32)
    values[1, 1, 1] = 5
    spots = hot_spot_regions(
        values, np.ones(values.shape, bool), lattice, 1.0, smallest_cm3=0
    ).spots
    assert len(spots) == 1
    np.testing.assert_allclose(spots[0].position_lps_mm, lattice.to_world([1, 1, 1]))
