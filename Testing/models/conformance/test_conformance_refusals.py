"""Images that no network can do anything with are refused in plain words, not with a crash."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.conformance.landmarks import BALLS, balls_at
from support.conformance.scenes import MIDDLE, balls_pair, lattice
from support.images import analytic_image

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Image, Lattice
from TTAUncertaintyLib.models.contract import RegistrationModel


def _constant() -> Image:
    where = lattice("oblique")
    return Image(torch.full(where.array_shape, 7.0), where, "the bad image")


def _tiny() -> Image:
    where = lattice("oblique").centered((3, 3, 3), 2.0, MIDDLE + BALLS[0])
    return analytic_image(balls_at(MIDDLE + BALLS), where, "the bad image")


def _slab(axis: int) -> Image:
    whole = lattice("oblique")
    size = [n if n_axis != axis else 1 for n_axis, n in enumerate(whole.size)]
    where: Lattice = whole.centered(tuple(size), whole.spacing, MIDDLE + BALLS[0])
    return analytic_image(balls_at(MIDDLE + BALLS), where, "the bad image")


BAD = {
    "constant": _constant,
    "too small": _tiny,
    "a single slice i": lambda: _slab(0),
    "a single slice k": lambda: _slab(2),
}


@pytest.mark.parametrize("role", ["fixed", "moving"])
@pytest.mark.parametrize("what", BAD)
def test_an_image_that_cannot_be_registered_is_refused(
    model: RegistrationModel, what: str, role: str
) -> None:
    fixed, moving = balls_pair("oblique to left-handed", np.eye(4))
    bad = BAD[what]()
    pair = (bad, moving) if role == "fixed" else (fixed, bad)
    with pytest.raises(InputError, match="the bad image") as caught:
        model.prepare(*pair, np.eye(4))
    assert caught.value.remedy
