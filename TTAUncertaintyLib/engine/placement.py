"""Before the network: where the two images lie relative to each other and to the network's frame.

Every step gives a matrix that is kept with the result, and each can be switched off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry import (
    Image,
    Lattice,
    Matrix,
    Prealignment,
    Start,
    prealign,
    read_image,
    start_transform,
    thin_slab,
)
from ..models.contract import PreparedPair, RegistrationModel

#: Share of the fixed field of view that has to meet the moving one.
_LEAST_OVERLAP = 0.05


@dataclass(frozen=True, eq=False)
class Placement:
    """How the images were placed; all matrices shape (4, 4), LPS mm."""

    #: Affine, fixed world to moving world: what the network starts from.
    initial: Matrix
    #: Where `initial` came from: a `Start`'s name or "transform".
    start: str
    #: What the optimiser did on top of the start.
    prealignment: Prealignment
    #: Rigid, world of the network's reference image to fixed world: how the fixed image was
    #: turned into the frame that the network was trained in; None where it was not.
    frame: Matrix | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready record."""
        return {
            "start": self.start,
            "prealignment": self.prealignment.value,
            "initial_fixed_to_moving_lps": self.initial.tolist(),
            "network_frame_to_fixed_lps": None if self.frame is None else self.frame.tolist(),
        }


def place(
    fixed: Image,
    moving: Image,
    model: RegistrationModel,
    start: Start | Matrix = Start.HEADER,
    prealignment: Prealignment | None = None,
    use_frame: bool = True,
) -> Placement:
    """Find the initial affine transform, and the network's frame where it expects one.

    Parameters
    ----------
    start
        A simple start, or a known transform, shape (4, 4), fixed to moving world, LPS mm.
    prealignment
        What to align by optimisation first; None takes what the model expects.
    use_frame
        Turn the fixed image rigidly into the network's frame, where the model has a reference
        image for that; otherwise the header's axes are trusted.

    Raises
    ------
    InputError
        If the images do not overlap from this start, or an alignment finds no overlap.
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
    reference = model.description.frame_reference
    frame = None
    if use_frame and reference is not None:
        template, _ = read_image(reference())
        middles = start_transform(template, fixed, Start.MASS)
        frame = prealign(template, fixed, middles, Prealignment.RIGID)
    return Placement(matrix, name, prealignment, frame)


def prepare(
    fixed: Image, moving: Image, model: RegistrationModel, placement: Placement
) -> PreparedPair:
    """Let the model turn placed images into tensors.

    Where there is a frame, the model sees the fixed image with its header turned into that frame,
    and knows nothing of it; the lattice it chooses is turned back into the fixed world here.
    """
    frame = placement.frame
    if frame is None:
        return model.prepare(fixed, moving, placement.initial)
    turned = fixed.on(fixed.lattice.transformed(np.asarray(np.linalg.inv(frame))))
    pair = model.prepare(turned, moving, placement.initial @ frame)
    return replace(pair, fixed_lattice=pair.fixed_lattice.transformed(frame))


def check_overlap(fixed: Image, moving: Image, initial: Matrix) -> None:
    """Refuse images whose fields of view hardly meet.

    Raises
    ------
    InputError
        With the distance between their middles and what to try.
    """
    problem = no_overlap(fixed.lattice, moving.lattice, initial, (fixed.name, moving.name))
    if problem is not None:
        raise thin_slab(fixed, moving) or problem


def no_overlap(
    fixed: Lattice, moving: Lattice, initial: Matrix, names: tuple[str, str]
) -> InputError | None:
    """Return what to say of two fields of view that hardly meet; None where they do."""
    share = overlap(fixed, moving, initial)
    if share >= _LEAST_OVERLAP:
        return None
    middle = initial[:3, :3] @ fixed.center + initial[:3, 3]
    distance = float(np.linalg.norm(middle - moving.center))
    return InputError(
        f"{names[0]} and {names[1]} do not overlap: the middles of their fields of view "
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
