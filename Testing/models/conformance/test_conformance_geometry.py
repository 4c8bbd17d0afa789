"""Axis, sign and millimetres, whatever the weights: stand-ins answer in the network's own terms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.conformance.landmarks import BALLS, landmarks_in, moved
from support.conformance.scenes import MIDDLE, MOTIONS, STORAGES, balls_pair
from support.conformance.stand_ins import (
    Answering,
    Finding,
    in_place_of_the_network,
    orders_of,
)
from support.lattices import affine, rotation
from support.predictors import smooth_map
from support.zoo.case import Published

from TTAUncertaintyLib.engine import Precision
from TTAUncertaintyLib.engine.execution import numerics
from TTAUncertaintyLib.geometry import Lattice, Matrix
from TTAUncertaintyLib.models.contract import PreparedPair, RegistrationModel

Array = NDArray[np.float64]

#: Voxels: what float32 leaves of coordinates of some tens after a change of units and back.
EXACT_VOXELS = 1e-3
#: mm: how well the middle of a ball is found on voxels of 2 to 4 mm.
LANDMARK_MM = 0.25
#: mm: how far an affine fit to landmarks may be off within the region that they span. Half a
#: voxel of 2 mm is four times as much.
FIT_MM = 0.3
#: How far a start may be from what the network has to find.
START = affine(
    rotation((1, 1, -1), 6.0) @ np.diag([1.03, 0.98, 1.0]),
    MIDDLE - rotation((1, 1, -1), 6.0) @ np.diag([1.03, 0.98, 1.0]) @ MIDDLE + [2.0, 1.0, -2.0],
)
_LETTERS = {"R": (0, -1), "L": (0, 1), "A": (1, -1), "P": (1, 1), "S": (2, 1), "I": (2, -1)}


def world_points_of(phi: torch.Tensor, lattice: Lattice) -> Array:
    """Turn voxel positions [3, D, H, W] into world positions (D, H, W, 3)."""
    return lattice.to_world(phi.movedim(0, -1).double().cpu().numpy())


def voxel_centers(lattice: Lattice) -> Array:
    k, j, i = np.meshgrid(*(np.arange(n) for n in lattice.array_shape), indexing="ij")
    return lattice.to_world(np.stack((i, j, k), -1))


def _center_ijk(tensor: torch.Tensor) -> Array:
    return landmarks_in(tensor[0, 0])[:, ::-1]


@pytest.mark.parametrize("start", ["at rest", "from a start"])
@pytest.mark.parametrize("storage", STORAGES)
def test_what_lies_at_a_place_lies_in_the_voxel_that_the_lattice_says(
    model: RegistrationModel, storage: str, start: str
) -> None:
    """The tensors and their lattices belong together, to a fraction of half a voxel."""
    world = MOTIONS["turn and shift"]
    fixed, moving = balls_pair(storage, world)
    pair = model.prepare(fixed, moving, START if start == "from a start" else np.eye(4))
    here = pair.fixed_lattice.to_world(_center_ijk(pair.fixed))
    there = pair.moving_lattice.to_world(_center_ijk(pair.moving))
    assert np.abs(here - (MIDDLE + BALLS)).max() < LANDMARK_MM
    assert np.abs(there - moved(MIDDLE + BALLS, world)).max() < LANDMARK_MM


@pytest.mark.parametrize("shape", ["as prepared", "no two axes alike"])
def test_a_known_answer_arrives_in_voxels_of_the_moving_lattice(
    placed: RegistrationModel, published: Published, pair: PreparedPair, shape: str, device: str
) -> None:
    """Sign, axes, units and ends of the network's own convention, to rounding error.

    In reduced precision too: that is for the network's layers, and not for coordinates.
    """
    lattices = [pair.moving_lattice, pair.fixed_lattice]
    if shape == "no two axes alike":
        if published.only_shape:
            pytest.skip("it takes one shape only")
        lattices = [_longer(lattice) for lattice in lattices]
    moving, fixed = (torch.zeros((1, 1, *lat.array_shape), device=device) for lat in lattices)
    orders = orders_of(placed, published, moving, fixed)
    stand_in = Answering(published, *orders, moving.shape[2:])
    still = smooth_map(lattices[1], lattices[0], size_voxels=1.5)
    bent = still * torch.tensor([0.6, 1.3, 0.8]).view(3, 1, 1, 1) + 4.0
    for phi, precision in ((still, Precision.F32), (bent, Precision.F32), (bent, Precision.BF16)):
        stand_in.phi = phi[None]
        with (
            in_place_of_the_network(placed, stand_in),
            numerics(fixed.device, precision),
            torch.inference_mode(),
        ):
            answer = placed.predict(moving, fixed)
        assert answer.device.type == torch.device(device).type
        assert float((answer[0].cpu() - phi).abs().max()) < EXACT_VOXELS, precision


def _longer(lattice: Lattice) -> Lattice:
    """Add multiples of 32 voxels, which suit every network, until no two axes are alike."""
    i, j, k = lattice.size
    j += 32 * (j == i)
    while k in (i, j):
        k += 32
    return Lattice((i, j, k), lattice.matrix)


def test_each_voxel_of_a_batch_gets_its_own_answer(
    model: RegistrationModel, published: Published, pair: PreparedPair
) -> None:
    orders = orders_of(model, published, pair.moving, pair.fixed)
    stand_in = Answering(published, *orders, pair.moving.shape[2:])
    still = smooth_map(pair.fixed_lattice, pair.moving_lattice)
    stand_in.phi = torch.stack([still, still + 1.0, still - 2.0])
    batch = pair.moving.expand(3, -1, -1, -1, -1), pair.fixed.expand(3, -1, -1, -1, -1)
    with in_place_of_the_network(model, stand_in), torch.inference_mode():
        answer = model.predict(*batch)
    assert float((answer - stand_in.phi).abs().max()) < EXACT_VOXELS


@pytest.mark.parametrize("storage", STORAGES)
def test_the_network_sees_anatomy_in_the_directions_of_its_training(
    model: RegistrationModel, published: Published, storage: str
) -> None:
    if published.directions is None:
        pytest.skip("it takes images as they are stored")
    pair = model.prepare(*balls_pair(storage, np.eye(4)), np.eye(4))
    orders = orders_of(model, published, pair.moving, pair.fixed)
    for order, lattice in zip(orders, (pair.moving_lattice, pair.fixed_lattice), strict=True):
        for axis, backwards, letter in zip(
            order.axes, order.backwards, published.directions, strict=True
        ):
            runs_to = lattice.direction[:, 2 - axis] * (-1 if backwards else 1)
            component, sign = _LETTERS[letter]
            # nearest of the six directions: the oblique lattices are turned by 24 degrees
            assert runs_to[component] * sign > 0.7, letter


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", MOTIONS)
def test_a_known_motion_comes_out_in_the_world(
    model: RegistrationModel, published: Published, name: str, storage: str
) -> None:
    """From two images to millimetres: landmarks are found in what the network is given."""
    world = MOTIONS[name]
    assert _error_mm(model, published, storage, world, np.eye(4)) < FIT_MM


def test_a_start_changes_where_the_network_begins_and_not_where_it_ends(
    model: RegistrationModel, published: Published
) -> None:
    world = MOTIONS["turn and shift"]
    for storage in list(STORAGES)[1:]:
        assert _error_mm(model, published, storage, world, START) < FIT_MM


def _error_mm(
    model: RegistrationModel, published: Published, storage: str, world: Matrix, initial: Matrix
) -> float:
    """Return the largest distance between what was done and what came out, where balls are."""
    pair = model.prepare(*balls_pair(storage, world), initial)
    with in_place_of_the_network(model, Finding(published)), torch.inference_mode():
        phi = model.predict(pair.moving, pair.fixed)[0]
    places = voxel_centers(pair.fixed_lattice)
    error = np.linalg.norm(
        world_points_of(phi, pair.moving_lattice) - moved(places, world), axis=-1
    )
    within = np.linalg.norm(places - MIDDLE, axis=-1) < 25.0
    assert within.sum() > 500
    return float(error[within].max())
