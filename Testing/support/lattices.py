"""Lattices that lie anywhere in the world: a few named ones, and a hypothesis strategy."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from TTAUncertaintyLib.geometry import Lattice, Matrix

Vector = NDArray[np.float64]


def rotation(axis: tuple[float, float, float], degrees: float) -> Matrix:
    """Return the rotation about an axis, from a unit quaternion, shape (3, 3)."""
    half = np.deg2rad(degrees) / 2
    w = np.cos(half)
    x, y, z = np.sin(half) * np.asarray(axis, float) / np.linalg.norm(axis)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def affine(linear: Matrix, translation: tuple[float, float, float] | Vector) -> Matrix:
    """Return a 4x4 matrix."""
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = translation
    return matrix


#: Axis-parallel, but with different steps and an origin away from zero.
PLAIN = Lattice.from_geometry((17, 14, 12), (2.0, 2.5, 3.0), (-20.0, 10.0, 5.0))
#: Oblique and anisotropic.
OBLIQUE = Lattice.from_geometry(
    (15, 16, 13), (2.2, 1.8, 3.1), (12.0, -30.0, 44.0), rotation((1, 2, -1), 33.0)
)
#: Axes in another order, two of them pointing backwards, left-handed, and oblique.
FLIPPED = Lattice.from_geometry(
    (12, 17, 14),
    (3.0, 2.0, 2.4),
    (50.0, 21.0, -33.0),
    rotation((0, 1, 1), 20.0) @ np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
)
#: What a moving lattice becomes when it is seen through an affine start.
SHEARED = OBLIQUE.transformed(
    affine(
        rotation((0, 0, 1), -70.0) @ np.array([[1.1, 0.15, 0], [0, 0.9, -0.1], [0, 0, 1.05]]),
        (4.0, 5.0, -6.0),
    )
)
#: For tests that make many passes through a small network.
SMALL = OBLIQUE.centered((9, 8, 10), (3.0, 2.5, 3.5), (4.0, -7.0, 11.0))
#: Fixed and moving lattices that differ in size, spacing and orientation.
PAIRS = {
    "same": (PLAIN, PLAIN),
    "oblique to flipped": (OBLIQUE, FLIPPED),
    "flipped to sheared": (FLIPPED, SHEARED),
}


def _numbers(most: float) -> st.SearchStrategy[float]:
    """Draw numbers up to a size, of at most nine decimals.

    ITK inverts directions by a singular value decomposition that fails, without an error, on
    entries like 1e-305, which no header holds.
    """
    return st.floats(-most, most).map(lambda number: round(number, 9))


@st.composite
def lattices(
    draw: st.DrawFn, sheared: bool | None = False, least: int = 5, most: int = 10
) -> Lattice:
    """Draw oblique, anisotropic, flipped lattices; sheared ones too where `sheared` is not False.

    Parameters
    ----------
    draw
        Hypothesis' own.
    sheared
        False: never; None: sometimes; True: always.
    least, most
        Voxels along each axis.
    """
    size = draw(st.tuples(*[st.integers(least, most)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.6, 4.0)] * 3))
    origin = draw(st.tuples(*[st.floats(-200.0, 200.0)] * 3))
    axis = draw(st.tuples(*[_numbers(1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
    degrees = draw(_numbers(180.0))
    flips = draw(st.tuples(*[st.sampled_from([1.0, -1.0])] * 3))
    order = draw(st.permutations(range(3)))
    direction = rotation(axis, degrees) @ np.eye(3)[:, order] * np.array(flips)
    lattice = Lattice.from_geometry(size, spacing, origin, direction)
    if sheared is None:
        sheared = draw(st.booleans())
    if sheared:
        terms = draw(st.tuples(*[st.floats(-0.3, 0.3)] * 3))
        linear = np.eye(3)
        linear[[0, 0, 1], [1, 2, 2]] = terms
        lattice = lattice.transformed(affine(linear, (0.0, 0.0, 0.0)))
    return lattice


def voxel_points(lattice: Lattice, count: int, seed: int, margin: float = 0.0) -> Vector:
    """Return random continuous voxel positions inside a lattice, shape (count, 3), (i, j, k)."""
    generator = np.random.default_rng(seed)
    return generator.uniform(margin, np.array(lattice.size) - 1 - margin, (count, 3))
