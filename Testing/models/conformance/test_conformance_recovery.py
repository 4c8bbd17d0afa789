"""A model that truly registers finds what was truly done to an image, in mm of the world."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.conformance.landmarks import moved
from support.conformance.scenes import MIDDLE, head, lattice
from support.images import analytic_image
from support.lattices import affine, rotation
from support.zoo import CASES
from support.zoo.case import Recovery

from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, read_image, resample_image
from TTAUncertaintyLib.models.contract import RegistrationModel
from TTAUncertaintyLib.sample_data import sample_images

Array = NDArray[np.float64]

#: What to do with the moving image, given the size of the motion: fixed to moving, linear part.
MOTIONS = ("shift", "turn")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(case, marks=[pytest.mark.slow] if case.recovery.slow else [], id=case.name)
        for case in CASES.values()
        if case.recovery is not None
    ],
)
def registering(request: pytest.FixtureRequest) -> Iterator[tuple[RegistrationModel, Recovery]]:
    case = request.param
    if reason := case.unavailable():
        pytest.skip(reason)
    before = torch.get_num_threads()
    torch.set_num_threads(2 if case.recovery.slow else before)
    yield case.recovery.make(), case.recovery
    torch.set_num_threads(before)


def world_motion(recovery: Recovery, name: str, middle: Array) -> Matrix:
    """Return the motion, fixed to moving world: a shift, or a turn about the middle."""
    if name == "shift":
        direction = np.array([2.0, -2.0, 1.0]) / 3.0
        return affine(np.eye(3), recovery.shift_mm * direction)
    turn = rotation((1, -1, 2), recovery.turn_deg)
    return affine(turn, middle - turn @ middle)


def images(recovery: Recovery, name: str) -> tuple[Image, Image, Matrix]:
    """Return the fixed image, the moved one on another, left-handed lattice, and the motion."""
    if recovery.image == "head":
        world = world_motion(recovery, name, MIDDLE)
        back = np.linalg.inv(world)
        fixed = analytic_image(head, lattice("oblique"), "fixed")
        moving = analytic_image(
            lambda points: head(moved(points, back)), lattice("left-handed"), "moving"
        )
        return fixed, moving, world
    fixed = read_image(sample_images()["mni152"].path)[0]
    world = world_motion(recovery, name, fixed.lattice.center)
    axes = rotation((1, 2, -1), 10.0) @ np.diag([1.0, -1.0, 1.0])
    unit = Lattice.from_geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), axes)
    where = unit.centered((130, 104, 110), (1.5, 2.0, 1.8), fixed.lattice.center)
    return fixed, resample_image(fixed, where, np.asarray(np.linalg.inv(world))), world


@pytest.mark.parametrize("name", MOTIONS)
def test_a_true_motion_is_found(registering: tuple[RegistrationModel, Recovery], name: str) -> None:
    model, recovery = registering
    fixed, moving, world = images(recovery, name)
    pair = model.prepare(fixed, moving, np.eye(4))
    with torch.inference_mode():
        phi = model.predict(pair.moving, pair.fixed)[0]
    shown = pair.fixed[0, 0].numpy()
    foreground = shown > shown.min() + 0.25 * (np.quantile(shown, 0.99) - shown.min())
    places = pair.fixed_lattice.to_world(np.argwhere(foreground)[:, ::-1])
    arrived = pair.moving_lattice.to_world(phi.movedim(0, -1).double().numpy()[foreground])
    there = moved(places, world)
    error = float(np.linalg.norm(arrived - there, axis=-1).mean())
    before = float(np.linalg.norm(places - there, axis=-1).mean())
    assert error < recovery.bound_mm, f"{error:.2f} mm are left of {before:.2f} mm"
    assert before > 1.5 * recovery.bound_mm, "the motion is too small to show anything"
