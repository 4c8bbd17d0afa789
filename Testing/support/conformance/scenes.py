"""Where the conformance suite's images lie, and what moves in them."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from TTAUncertaintyLib.geometry import Image, Lattice, Matrix

from ..images import analytic_image
from ..lattices import affine, rotation
from .landmarks import BALLS, balls_at, moved

Array = NDArray[np.float64]

#: World position of the middle of what is shown: far from the origin, as in a scanner.
MIDDLE = np.array([31.0, -57.0, 118.0])
#: mm: what every image shows around its middle, along each of its axes.
FIELD_OF_VIEW_MM = 90.0

_TILT = rotation((1, 2, -1), 24.0)
#: Axes (right, posterior, superior and so on) of the lattices, as columns.
DIRECTIONS: dict[str, Array] = {
    "plain": np.eye(3),
    "oblique": _TILT,
    # i runs to the front, j downwards, k to the right: determinant -1
    "left-handed": np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    @ np.diag([1.0, 1.0, -1.0]),
    "left-handed oblique": _TILT @ np.diag([1.0, -1.0, 1.0])[:, [2, 0, 1]],
}
SPACINGS: dict[str, tuple[float, float, float]] = {
    "plain": (2.0, 2.0, 2.0),
    "oblique": (2.2, 1.8, 3.1),
    "left-handed": (3.0, 2.1, 2.5),
    "left-handed oblique": (1.9, 2.9, 2.3),
}
#: Fixed and moving storage.
STORAGES = {
    "plain to plain": ("plain", "plain"),
    "oblique to left-handed": ("oblique", "left-handed"),
    "left-handed oblique to oblique": ("left-handed oblique", "oblique"),
    "left-handed to left-handed oblique": ("left-handed", "left-handed oblique"),
}


def lattice(name: str, middle: Array = MIDDLE) -> Lattice:
    """Return one of the lattices about a point of the world, over the field of view."""
    spacing = np.array(SPACINGS[name])
    size = np.ceil(FIELD_OF_VIEW_MM / spacing).astype(int)
    unit = Lattice.from_geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), DIRECTIONS[name])
    return unit.centered((int(size[0]), int(size[1]), int(size[2])), spacing, middle)


def motion(linear: Array, shift_mm: tuple[float, float, float]) -> Matrix:
    """Return a linear map about `MIDDLE` and a shift, shape (4, 4), LPS mm."""
    return affine(linear, MIDDLE - linear @ MIDDLE + np.array(shift_mm))


#: What the moving world is to the fixed one: fixed points to moving points.
MOTIONS: dict[str, Matrix] = {
    "shift": motion(np.eye(3), (5.0, -3.0, 2.0)),
    "turn": motion(rotation((2, -1, 1), 9.0), (0.0, 0.0, 0.0)),
    "turn and shift": motion(rotation((-1, 1, 3), -8.0), (-2.0, 3.0, 3.0)),
    "mirror": motion(np.diag([-1.0, 1.0, 1.0]), (1.0, 2.0, -1.0)),
}


def balls_pair(storage: str, world: Matrix) -> tuple[Image, Image]:
    """Return a fixed image of the six balls, and a moving one in which they were moved."""
    return _balls_pair(storage, tuple(world.ravel().tolist()))


@functools.lru_cache(maxsize=32)  # every model is shown the same ones
def _balls_pair(storage: str, elements: tuple[float, ...]) -> tuple[Image, Image]:
    world = np.array(elements).reshape(4, 4)
    fixed, moving = STORAGES[storage]
    centers = MIDDLE + BALLS
    return (
        analytic_image(balls_at(centers), lattice(fixed), "fixed"),
        analytic_image(
            balls_at(moved(centers, world)), lattice(moving, moved(MIDDLE, world)), "moving"
        ),
    )


def head(points: Array) -> Array:
    """Return the intensity of a smooth head-like phantom of 60 mm about `MIDDLE`."""
    x, y, z = np.moveaxis(points - MIDDLE, -1, 0)
    radius = (x / 26) ** 2 + (y / 31) ** 2 + (z / 27) ** 2
    outline = 1 / (1 + np.exp(np.clip((radius - 1) * 8, -50, 50)))
    inner = 0.6 + 0.25 * np.sin(x / 4.5 + 1) * np.cos(y / 5.5) + 0.2 * np.sin(z / 4 + y / 9)
    return np.asarray(1000 * outline * inner)
