"""Preparation on one lattice: the same place lands in the same voxel, in the right orientation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from numpy.typing import NDArray
from support.images import analytic_image
from support.lattices import FLIPPED, OBLIQUE, PLAIN, affine, lattices, rotation

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Image, Lattice
from TTAUncertaintyLib.models.adapters.common_lattice import (
    RAS_AXES,
    anatomical_lattice,
    foreground_center,
    prepare_on_common_lattice,
)

Array = NDArray[np.float64]


def ball_at(center: Array, radius: float = 12.0) -> object:
    def value(points: Array) -> Array:
        squared = ((points - center) ** 2).sum(-1) / radius**2
        return np.asarray(np.clip(1 - squared, 0, None) * 800 - 200)

    return value


def center_of(tensor: torch.Tensor) -> Array:
    """Return the centre of mass of [1, 1, D, H, W], voxels, order (i, j, k)."""
    mass = tensor[0, 0].double().numpy()
    grids = np.meshgrid(*(np.arange(n) for n in mass.shape), indexing="ij")
    return np.array([(grid * mass).sum() / mass.sum() for grid in reversed(grids)])


def test_the_initial_transform_puts_corresponding_places_into_the_same_voxel() -> None:
    lattice = PLAIN.centered((26, 26, 26), 2.0, OBLIQUE.center)
    initial = affine(rotation((1, 0, 1), 25.0) * 0.9, (15.0, -8.0, 3.0))
    here = OBLIQUE.center + np.array([2.0, -3.0, 1.0])
    there = initial[:3, :3] @ here + initial[:3, 3]
    fixed = analytic_image(ball_at(here), OBLIQUE.centered((30, 30, 30), 1.7, here))
    moving = analytic_image(ball_at(there, 10.8), FLIPPED.centered((30, 30, 30), 1.7, there))
    pair = prepare_on_common_lattice(fixed, moving, initial, lattice)
    # smooth balls on voxels of 2 mm
    assert np.allclose(center_of(pair.fixed), lattice.to_voxel(here), atol=0.05)
    assert np.allclose(center_of(pair.moving), lattice.to_voxel(here), atol=0.05)
    # and the moving lattice knows where that voxel lies in the moving world
    assert np.allclose(pair.moving_lattice.to_world(center_of(pair.moving)), there, atol=0.1)
    assert pair.fixed_lattice == lattice


def test_intensities_lie_between_zero_and_one_with_the_background_at_zero() -> None:
    image = analytic_image(ball_at(OBLIQUE.center), OBLIQUE)
    wide = OBLIQUE.centered((40, 40, 40), 2.0, OBLIQUE.center)
    pair = prepare_on_common_lattice(image, image, np.eye(4), wide)
    for tensor in (pair.moving, pair.fixed):
        assert float(tensor.min()) == 0.0 and float(tensor.max()) == 1.0
        # the darkest value as float32 interpolation leaves it
        assert float(tensor[0, 0, 0, 0, 0]) < 1e-6
        assert tensor.is_contiguous() and tensor.dtype == torch.float32


def test_scale_and_offset_of_the_intensities_do_not_matter() -> None:
    image = analytic_image(ball_at(OBLIQUE.center), OBLIQUE)
    other = Image(image.intensities * 0.01 + 3, OBLIQUE)
    ours, theirs = (
        prepare_on_common_lattice(x, x, np.eye(4), OBLIQUE).fixed for x in (image, other)
    )
    assert torch.allclose(ours, theirs, atol=1e-4)  # float32 of 3.0 in steps of 2e-7 over 8


def test_an_image_that_is_not_where_the_network_looks_is_refused() -> None:
    image = analytic_image(ball_at(OBLIQUE.center), OBLIQUE)
    away = OBLIQUE.transformed(affine(np.eye(3), (900.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="no contrast where the network looks"):
        prepare_on_common_lattice(image, image, np.eye(4), away)


@given(lattices(least=12, most=20))
def test_the_anatomical_lattice_covers_the_image_and_is_sorted_towards_ras(
    lattice: Lattice,
) -> None:
    fixed = Image(torch.zeros(lattice.array_shape), lattice)
    found = anatomical_lattice(fixed, 2.0, 8, 1)
    assert all(n % 8 == 0 for n in found.size)
    assert np.allclose(found.spacing, 2.0)
    corners = found.to_voxel(lattice.corners())
    assert (corners > -0.5 - 1e-6).all() and (corners < np.array(found.size) - 0.5 + 1e-6).all()
    assert ((found.direction * RAS_AXES).sum(0) >= -1e-9).all()


def test_a_field_of_view_too_small_for_the_network_is_refused() -> None:
    fixed = Image(torch.zeros(PLAIN.array_shape), PLAIN, "the knee")
    with pytest.raises(InputError, match="the knee spans 34 x 35 x 36 mm; the network needs"):
        anatomical_lattice(fixed, 2.0, 16, 32)


def test_the_foregrounds_middle_is_the_middle_of_its_box_whatever_surrounds_it() -> None:
    brain = OBLIQUE.center + np.array([4.0, -5.0, 3.0])
    lattice = FLIPPED.centered((40, 44, 42), 2.0, OBLIQUE.center)
    image = analytic_image(ball_at(brain, 20.0), lattice)
    # one voxel of 2 mm, at most, between the box's edge and the ball's
    assert np.linalg.norm(foreground_center(image) - brain) < 2.0
