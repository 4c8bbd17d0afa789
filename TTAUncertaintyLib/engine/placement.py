"""Before the network: where the two images lie relative to each other and to the network's frame.

Every step gives a matrix that is kept with the result, and each can be switched off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry import Image, Lattice, Matrix, Prealignment, Start, prealign, start_transform
from ..models.contract import RegistrationModel

#: Share of the fixed field of view that has to meet the moving one.
_LEAST_OVERLAP = 0.05


@dataclass(frozen=True, eq=False)
class Placement:
    """How the images were placed; both matrices shape (4, 4), LPS mm.

    Parameters
    ----------
    initial
        Affine, fixed world to moving world: what the network starts from.
    start
        Where `initial` came from: a `Start`'s name or "transform".
    prealignment
        What the optimiser did on top of the start.
    """

    initial: Matrix
    start: str
    prealignment: Prealignment

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready record."""
        return {
            "start": self.start,
            "prealignment": self.prealignment.value,
            "initial_fixed_to_moving_lps": self.initial.tolist(),
        }


def place(
    fixed: Image,
    moving: Image,
    model: RegistrationModel,
    start: Start | Matrix = Start.HEADER,
    prealignment: Prealignment | None = None,
) -> Placement:
    """Find the initial affine transform.

    Parameters
    ----------
    fixed, moving
        The images.
    model
        Says whether it expects affinely aligned images.
    start
        A simple start, or a known transform, shape (4, 4), fixed to moving world, LPS mm.
    prealignment
        What to align by optimisation first; None takes what the model expects.

    Raises
    ------
    InputError
        If the images do not overlap from this start.
    """
    if isinstance(start, Start):
        matrix, name = start_transform(fixed, moving, start), start.value
    else:
        matrix, name = start, "transform"
    check_overlap(fixed, moving, matrix)
    if prealignment is None:
        expected = model.description.expects_affine_alignment
        prealignment = Prealignment.AFFINE if expected else Prealignment.NONE
    matrix = prealign(fixed, moving, matrix, prealignment)
    check_overlap(fixed, moving, matrix)
    return Placement(matrix, name, prealignment)


def check_overlap(fixed: Image, moving: Image, initial: Matrix) -> None:
    """Refuse images whose fields of view hardly meet.

    Raises
    ------
    InputError
        With the distance between their middles and what to try.
    """
    share = overlap(fixed.lattice, moving.lattice, initial)
    if share < _LEAST_OVERLAP:
        middle = initial[:3, :3] @ fixed.lattice.center + initial[:3, 3]
        distance = float(np.linalg.norm(middle - moving.lattice.center))
        raise InputError(
            f"{fixed.name} and {moving.name} do not overlap: the middles of their fields of view "
            f"are {distance:.0f} mm apart and {share:.0%} of the fixed one meets the moving one.",
            "Start from the centres (--start center or --start mass) or give an initial "
            "transform (--initial-transform).",
        )


def overlap(fixed: Lattice, moving: Lattice, initial: Matrix) -> float:
    """Return the share of the fixed field of view that lies in the moving one, on a 16^3 grid."""
    # the middles of 16 equal parts, so that no point lies on an edge, where rounding would decide
    ticks = [(np.arange(16) + 0.5) * n / 16 - 0.5 for n in fixed.size]
    grid = np.stack(np.meshgrid(*ticks, indexing="ij"), -1).reshape(-1, 3)
    world = fixed.to_world(grid) @ initial[:3, :3].T + initial[:3, 3]
    voxels = moving.to_voxel(world)
    inside = (voxels >= -0.5) & (voxels <= np.array(moving.size) - 0.5)
    return float(inside.all(axis=1).mean())
