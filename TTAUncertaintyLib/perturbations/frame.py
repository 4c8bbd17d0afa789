"""The frame in which perturbations are drawn: the moving lattice's own centre and axes.

Drawing in the lattice's frame and not in the world's makes the result independent of how the
world is turned: the same two scans with both headers rotated give the same uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import Lattice, Matrix


@dataclass(frozen=True, eq=False)
class Frame:
    """An orthonormal frame in the moving world.

    Parameters
    ----------
    center
        Shape (3,), LPS mm: the point that rotations, scales and shears keep.
    axes
        Shape (3, 3), orthonormal columns: the directions of the parameters' components.
    """

    center: Matrix
    axes: Matrix

    @classmethod
    def of(cls, lattice: Lattice) -> Frame:
        """Return the frame of a moving lattice."""
        return cls(lattice.center, lattice.axes)

    def to_world(self, matrix: Matrix) -> Matrix:
        """Turn a 4x4 matrix given in this frame (about its centre) into one of the world."""
        here = np.eye(4)
        here[:3, :3] = self.axes
        here[:3, 3] = self.center
        return np.asarray(here @ matrix @ np.linalg.inv(here))
