"""Pre-alignment finds a known affine, composes it with the start, and repeats itself."""

from __future__ import annotations

import numpy as np
import pytest
from support.images import Array, analytic_image, world_grid
from support.lattices import affine, rotation

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, Prealignment, prealign

FIXED_LATTICE = Lattice.from_geometry(
    (40, 44, 38), (4.0, 4.0, 4.5), (-70.0, -90.0, -60.0), rotation((1, 0, 2), 10.0)
)
MOVING_LATTICE = Lattice.from_geometry(
    (44, 42, 46), (4.0, 4.5, 4.0), (120.0, 80.0, -110.0), np.diag([-1.0, -1.0, 1.0])
)


def head(points: Array) -> Array:
    """Return a head-sized ellipsoid with a dozen lumps, as a function of world points."""
    generator = np.random.default_rng(3)
    q = points - FIXED_LATTICE.center
    value = 100 / (1 + np.exp((np.linalg.norm(q / [60, 70, 55], axis=-1) - 1) * 15))
    for _ in range(12):
        middle, width = generator.uniform(-35, 35, 3), generator.uniform(8, 16)
        lump = np.exp(-((q - middle) ** 2).sum(-1) / (2 * width**2))
        value = value + generator.uniform(-80, 80) * lump
    return np.asarray(value)


def moving_image(truth: Matrix) -> Image:
    """Return the image of the head after `truth`, which maps fixed points to moving ones."""
    back = np.linalg.inv(truth)
    return analytic_image(
        # another contrast, as mutual information allows
        lambda p: 400 - 2 * head(p @ back[:3, :3].T + back[:3, 3]),
        MOVING_LATTICE,
    )


def about_the_middle(linear: Matrix, shift: tuple[float, float, float]) -> Matrix:
    center = FIXED_LATTICE.center
    return affine(linear, center - linear @ center + shift)


AFFINE = about_the_middle(
    rotation((1, 2, 3), 7.0) @ np.array([[1.06, 0.03, 0.0], [0.0, 0.95, -0.02], [0.0, 0.0, 1.03]]),
    (5.0, -4.0, 6.0),
)
RIGID = about_the_middle(rotation((3, -1, 1), 8.0), (4.0, 5.0, -3.0))
FAR = affine(np.eye(3), (60.0, -45.0, 30.0)) @ about_the_middle(rotation((0, 0, 1), 60.0), (0,) * 3)


def error_mm(found: Matrix, truth: Matrix) -> float:
    """Return the largest distance between two maps over the head, mm."""
    points = world_grid(FIXED_LATTICE).reshape(-1, 3)
    inside = np.linalg.norm((points - FIXED_LATTICE.center) / [60, 70, 55], axis=1) < 1
    difference = found - truth
    return float(
        np.linalg.norm(points[inside] @ difference[:3, :3].T + difference[:3, 3], axis=1).max()
    )


@pytest.fixture(scope="module")
def fixed() -> Image:
    return analytic_image(head, FIXED_LATTICE)


# A quarter of the 4 mm voxels that the optimiser works on: what such a step is good for.
FOUND_MM = 1.0


def test_a_known_affine_is_recovered(fixed: Image) -> None:
    assert error_mm(np.eye(4), AFFINE) > 10
    found = prealign(fixed, moving_image(AFFINE), np.eye(4), Prealignment.AFFINE)
    assert error_mm(found, AFFINE) < FOUND_MM


@pytest.mark.parametrize("seed", [4, 6])
def test_the_optimiser_does_not_stop_on_its_way(seed: int, fixed: Image) -> None:
    generator = np.random.default_rng(seed)
    axis, degrees = generator.normal(size=3), generator.uniform(3, 12)
    shear = np.eye(3) + generator.uniform(-0.06, 0.06, (3, 3))
    shift = generator.uniform(-8, 8, 3)
    truth = about_the_middle(rotation(tuple(axis), degrees) @ shear, tuple(shift))
    found = prealign(fixed, moving_image(truth), np.eye(4), Prealignment.AFFINE)
    assert error_mm(found, truth) < FOUND_MM


@pytest.fixture(scope="module")
def found_rigid(fixed: Image) -> Matrix:
    return prealign(fixed, moving_image(RIGID), np.eye(4), Prealignment.RIGID)


def test_a_known_rigid_motion_is_recovered_and_stays_rigid(found_rigid: Matrix) -> None:
    assert error_mm(found_rigid, RIGID) < FOUND_MM
    assert np.allclose(found_rigid[:3, :3].T @ found_rigid[:3, :3], np.eye(3), atol=1e-9)


def test_what_is_found_comes_before_the_start(fixed: Image) -> None:
    """From a far start the result is start∘found: both orders agree only at the truth."""
    truth = FAR @ RIGID
    assert error_mm(FAR, truth) > 8
    assert error_mm(RIGID @ FAR, truth) > 8
    found = prealign(fixed, moving_image_far(truth), FAR, Prealignment.RIGID)
    assert error_mm(found, truth) < FOUND_MM


def moving_image_far(truth: Matrix) -> Image:
    """Return the moving image on a lattice that follows the head."""
    back = np.linalg.inv(truth)
    shift = truth[:3, :3] @ FIXED_LATTICE.center + truth[:3, 3] - MOVING_LATTICE.center
    return analytic_image(
        lambda p: 400 - 2 * head(p @ back[:3, :3].T + back[:3, 3]),
        MOVING_LATTICE.transformed(affine(np.eye(3), (shift[0], shift[1], shift[2]))),
    )


def test_the_same_images_give_the_same_matrix(fixed: Image, found_rigid: Matrix) -> None:
    again = prealign(fixed, moving_image(RIGID), np.eye(4), Prealignment.RIGID)
    assert np.array_equal(again, found_rigid)


def test_no_prealignment_returns_the_start(fixed: Image) -> None:
    assert prealign(fixed, moving_image(RIGID), FAR, Prealignment.NONE) is FAR


def test_images_without_overlap_are_refused_with_a_remedy(fixed: Image) -> None:
    away = affine(np.eye(3), (5000.0, 0.0, 0.0))
    with pytest.raises(InputError, match="--start mass"):
        prealign(fixed, moving_image(RIGID), away, Prealignment.RIGID)


@pytest.mark.parametrize("kind", [Prealignment.RIGID, Prealignment.AFFINE])
def test_turning_the_headers_turns_the_result_and_changes_nothing_else(
    kind: Prealignment, fixed: Image
) -> None:
    """With T and U what is done to the worlds of the two images, the result is U∘found∘T^-1."""
    moving = moving_image(RIGID)
    found = prealign(fixed, moving, np.eye(4), kind)
    turn = affine(rotation((2, -1, 3), 50.0), (30.0, -200.0, 11.0))
    other = affine(rotation((1, 5, 1), 140.0), (-7.0, 90.0, 300.0))
    turned = prealign(
        fixed.on(fixed.lattice.transformed(turn)),
        moving.on(moving.lattice.transformed(other)),
        other @ np.linalg.inv(turn),
        kind,
    )
    assert error_mm(np.linalg.inv(other) @ turned @ turn, found) < 1e-4
