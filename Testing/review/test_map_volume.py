"""A map is read off where a point lies in the world, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from support.images import world_grid
from support.lattices import FLIPPED, OBLIQUE, PLAIN, lattices, voxel_points

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.review import MapVolume


def linear_map(lattice: Lattice) -> MapVolume:
    values = world_grid(lattice) @ np.array([0.3, -0.2, 0.5]) + 7
    return MapVolume("total", "Total", "mm", values.astype(np.float32), lattice)


@given(lattice=lattices(sheared=None), seed=st.integers(0, 1000))
def test_a_map_linear_in_the_world_is_reproduced(lattice: Lattice, seed: int) -> None:
    points = lattice.to_world(voxel_points(lattice, 20, seed))
    expected = points @ np.array([0.3, -0.2, 0.5]) + 7
    np.testing.assert_allclose(linear_map(lattice).at(points), expected, atol=2e-4, rtol=1e-5)


@pytest.mark.parametrize("lattice", [PLAIN, OBLIQUE, FLIPPED])
@given(seed=st.integers(0, 1000))
def test_it_agrees_with_itk(lattice: Lattice, seed: int) -> None:
    values = np.random.default_rng(seed).random(lattice.array_shape, dtype=np.float32)
    image = lattice.stamp(sitk.GetImageFromArray(values))
    points = lattice.to_world(voxel_points(lattice, 20, seed, margin=0.01))
    theirs = [image.EvaluateAtPhysicalPoint(p, sitk.sitkLinear) for p in points.tolist()]
    ours = MapVolume("total", "Total", "mm", values, lattice).at(points)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@given(lattice=lattices())
def test_beyond_the_field_of_view_there_is_no_value(lattice: Lattice) -> None:
    last = np.array(lattice.size) - 1.0
    volume = linear_map(lattice)
    for axis in range(3):
        for inside, outside in ((-0.49, -0.51), (last[axis] + 0.49, last[axis] + 0.51)):
            voxel = last / 2
            voxel[axis] = inside
            assert np.isfinite(volume.at(lattice.to_world(voxel))).all()
            voxel[axis] = outside
            assert np.isnan(volume.at(lattice.to_world(voxel))).all()


def test_a_voxel_without_an_estimate_is_not_averaged_away() -> None:
    lattice = Lattice.from_geometry((4, 4, 4), (1, 1, 1), (0, 0, 0))
    values = np.ones((4, 4, 4), np.float32)
    values[1, 2, 3] = np.nan  # (k, j, i)
    volume = MapVolume("total", "Total", "mm", values, lattice)
    assert np.isnan(volume.at([[2.5, 2, 1], [3, 2, 1]])).all()
    np.testing.assert_allclose(volume.at([[2, 2, 1], [3, 1, 1], [1.5, 2.5, 1.5]]), 1)


def test_an_array_that_does_not_fit_its_lattice_is_refused() -> None:
    lattice = Lattice.from_geometry((4, 5, 6), (1, 1, 1), (0, 0, 0))
    with pytest.raises(ValueError, match="shape"):
        MapVolume("total", "Total", "mm", np.ones((4, 5, 6), np.float32), lattice)
