"""From a family's parameters to the action on a lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry import Lattice, Matrix
from .actions import Action, AffineAction, DisplacementAction
from .bspline import spline_displacement
from .families import Amplitudes, Family, affine_matrix, control_shape


def build_action(
    family: Family,
    amplitudes: Amplitudes,
    parameters: NDArray[np.float64],
    lattice: Lattice,
    device: torch.device | str = "cpu",
) -> Action:
    """Build one perturbation's action on a moving lattice.

    Parameters
    ----------
    family, amplitudes
        What kind, and the size of one unit.
    parameters
        Shape (P,), dimensionless, in [-1, 1]; P from `parameter_count`.
    lattice
        The moving lattice; its centre and axes are the frame of the perturbation.
    """
    if family is Family.ELASTIC:
        shape = control_shape(amplitudes, lattice)
        coefficients = parameters.reshape(3, *shape) * _three(amplitudes.elastic_mm)
        coefficients = coefficients / lattice.spacing[:, None, None, None]
        step = np.broadcast_to(amplitudes.elastic_spacing_mm, 3) / lattice.spacing
        return DisplacementAction(
            spline_displacement(
                torch.from_numpy(coefficients.astype(np.float32)).to(device),
                lattice.array_shape,
                (float(step[0]), float(step[1]), float(step[2])),
            )
        )
    world = Frame.of(lattice).to_world(affine_matrix(family, amplitudes, parameters))
    return AffineAction(torch.from_numpy(lattice.inverse @ world @ lattice.matrix))


def _three(value: float | tuple[float, float, float]) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(value, float), 3).reshape(3, 1, 1, 1)


@dataclass(frozen=True, eq=False)
class Frame:
    """An orthonormal frame in the moving world.

    Perturbations are drawn in the moving lattice's and not in the world's, so that the result does
    not depend on how the world is turned: the same two scans with both headers rotated give the
    same uncertainty.
    """

    #: Shape (3,), LPS mm: the point that rotations, scales and shears keep.
    center: Matrix
    #: Shape (3, 3), orthonormal columns: the directions of the parameters' components.
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
