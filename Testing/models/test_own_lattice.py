"""Images resized on their own: each voxel still lies where it lay, whatever way it was stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray
from support.images import analytic_image, noise, world_grid
from support.lattices import FLIPPED, OBLIQUE, PLAIN, affine, lattices, rotation

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.models.adapters.own_lattice import (
    corresponding_directions,
    resized,
    stored_along,
)

Array = NDArray[np.float64]

#: What a linear function of the world becomes in float32, values up to some hundreds.
ROUNDING = 1e-3


def linear(points: Array) -> Array:
    """Return a linear function of the world: linear interpolation leaves it as it is."""
    return np.asarray(points @ np.array([0.3, -0.5, 0.7]) + 11.0)


@given(lattices(least=6, most=12))
def test_a_resized_image_shows_at_each_place_what_was_there(lattice: Lattice) -> None:
    image = resized(analytic_image(linear, lattice, "a name"), (9, 7, 14))
    assert image.lattice.size == (14, 7, 9) and image.name == "a name"
    places = world_grid(image.lattice)
    voxels = lattice.to_voxel(places)
    within = ((voxels >= 0) & (voxels <= np.array(lattice.size) - 1)).all(-1)
    assert within.mean() > 0.2  # beyond the outermost voxel centres the border is repeated
    assert np.abs(image.intensities.numpy() - linear(places))[within].max() < ROUNDING


@given(lattices(least=5, most=9))
def test_a_resized_image_covers_the_same_full_voxels(lattice: Lattice) -> None:
    found = resized(analytic_image(linear, lattice), (8, 11, 13)).lattice
    for corner in np.ndindex(2, 2, 2):
        ours = np.array(corner) * np.array(found.size) - 0.5
        theirs = np.array(corner) * np.array(lattice.size) - 0.5
        assert np.allclose(found.to_world(ours), lattice.to_world(theirs), atol=1e-6)


@given(lattices(), lattices())
def test_storing_along_other_axes_moves_no_voxel(lattice: Lattice, other: Lattice) -> None:
    image = analytic_image(linear, lattice, "a name")
    found = stored_along(image, other.direction)
    assert found.name == "a name"
    assert np.abs(found.intensities.numpy() - linear(world_grid(found.lattice))).max() < ROUNDING
    assert sorted(found.lattice.size) == sorted(lattice.size)


def test_axes_run_the_way_that_is_asked_for() -> None:
    found = stored_along(noise(FLIPPED), OBLIQUE.direction)
    # FLIPPED lies within 20 degrees of the world's axes, OBLIQUE within 33
    assert ((found.lattice.direction * OBLIQUE.direction).sum(0) > np.cos(np.deg2rad(53))).all()


def test_an_image_that_is_stored_that_way_already_is_left_alone() -> None:
    image = noise(OBLIQUE)
    tilted = rotation((0, 1, 0), 20.0) @ OBLIQUE.direction
    found = stored_along(image, tilted)
    assert found.lattice == OBLIQUE
    assert found.intensities.equal(image.intensities)


@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_corresponding_directions_turn_with_the_first_transform(scale: float) -> None:
    turn = rotation((0, 0, 1), 90.0)
    found = corresponding_directions(PLAIN, affine(turn * scale, (5.0, 6.0, 7.0)))
    assert np.allclose(found, turn)
