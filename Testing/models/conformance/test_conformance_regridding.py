"""How an image is stored does not change where things are: the same map from other voxels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.conformance.landmarks import BALLS, balls_at, moved
from support.conformance.scenes import MIDDLE, MOTIONS, balls_pair, lattice
from support.conformance.stand_ins import Finding, in_place_of_the_network
from support.images import analytic_image
from support.zoo.case import Case, Published
from torch import Tensor

from TTAUncertaintyLib.geometry import Image, Lattice, sample
from TTAUncertaintyLib.models.contract import PreparedPair, RegistrationModel

Array = NDArray[np.float64]

#: Those of the fixture `pair`.
STORAGE, MOTION = "oblique to left-handed", MOTIONS["turn and shift"]
#: mm: see `FIT_MM` of the geometry; two fits are compared here.
FIT_MM = 0.3
#: World points, a ball of 25 mm about the middle.
_TICKS = np.arange(-24.0, 25.0, 6.0)
_GRID = np.stack(np.meshgrid(_TICKS, _TICKS, _TICKS), -1).reshape(-1, 3)
PLACES = MIDDLE + _GRID[np.linalg.norm(_GRID, axis=1) < 25.0]


def restored(image: Image, order: tuple[int, int, int], backwards: tuple[bool, ...]) -> Image:
    """Return the same voxels with the array axes (k, j, i) permuted, some running backwards."""
    array, matrix = image.intensities, image.lattice.matrix.copy()
    for axis in np.flatnonzero(backwards):
        array = array.flip(int(axis))
        column = 2 - int(axis)
        matrix[:3, 3] += matrix[:3, column] * (image.lattice.size[column] - 1)
        matrix[:3, column] *= -1
    array = array.permute(order).contiguous()
    columns = [2 - order[2 - n] for n in range(3)]
    matrix[:3, :3] = matrix[:3, columns]
    k, j, i = array.shape
    return Image(array, Lattice((i, j, k), matrix), image.name)


def respaced(centers: Array, name: str, middle: Array, factor: float, title: str) -> Image:
    """Return the balls on the same field of view at a finer spacing, along two axes."""
    old = lattice(name, middle)
    step = old.spacing * np.array([factor, 1.0, factor])
    return analytic_image(balls_at(centers), old.resampled(step), title)


def physical(model: RegistrationModel, fixed: Image, moving: Image) -> Array:
    """Return where a model sends `PLACES`, world to world, mm."""
    pair = model.prepare(fixed, moving, np.eye(4))
    with torch.inference_mode():
        return in_the_world(model.predict(pair.moving, pair.fixed), pair)


def in_the_world(phi: Tensor, pair: PreparedPair) -> Array:
    voxels = torch.from_numpy(pair.fixed_lattice.to_voxel(PLACES).T.astype(np.float32))
    at = sample(phi, voxels[None, :, :, None, None])[0, :, :, 0, 0]
    return pair.moving_lattice.to_world(at.T.double().numpy())


@pytest.fixture(scope="session")
def as_stored(pair: PreparedPair, on_cpu: Tensor) -> Array:
    return in_the_world(on_cpu, pair)


RESTORED = {
    "fixed": (((2, 0, 1), (True, False, False)), None),
    "moving": (None, ((1, 0, 2), (False, True, True))),
    "both": (((0, 2, 1), (False, False, True)), ((2, 1, 0), (True, True, True))),
}


def restored_pair(which: str) -> tuple[Image, Image]:
    pair = balls_pair(STORAGE, MOTION)
    one, other = (
        image if how is None else restored(image, *how)
        for image, how in zip(pair, RESTORED[which], strict=True)
    )
    return one, other


def respaced_pair() -> tuple[Image, Image]:
    centers = MIDDLE + BALLS
    return (
        respaced(centers, "oblique", MIDDLE, 0.8, "fixed"),
        respaced(moved(centers, MOTION), "left-handed", moved(MIDDLE, MOTION), 0.7, "moving"),
    )


def gap_mm(one: Array, other: Array) -> Array:
    return np.asarray(np.linalg.norm(one - other, axis=-1))


def test_another_order_of_the_axes_gives_the_same_map(
    case: Case, model: RegistrationModel, as_stored: Array
) -> None:
    if case.restored_mm is None:
        pytest.skip("it takes images as they are stored")
    answer = physical(model, *restored_pair("both"))
    assert gap_mm(answer, as_stored).max() <= case.restored_mm


def test_another_spacing_gives_the_same_map(
    case: Case, model: RegistrationModel, as_stored: Array
) -> None:
    if case.respaced_mm is None:
        pytest.skip("it takes images as they are stored")
    answer = physical(model, *respaced_pair())
    assert gap_mm(answer, as_stored).mean() <= case.respaced_mm


@pytest.mark.parametrize("which", [*RESTORED, "another spacing"])
def test_a_registration_by_landmarks_ends_at_the_same_places(
    model: RegistrationModel, published: Published, which: str
) -> None:
    images = respaced_pair() if which == "another spacing" else restored_pair(which)
    with in_place_of_the_network(model, Finding(published)):
        found = physical(model, *images)
    assert gap_mm(found, moved(PLACES, MOTION)).max() < FIT_MM
