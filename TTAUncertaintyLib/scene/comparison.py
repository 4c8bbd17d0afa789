"""Is it the same anatomy? Fixed and warped image on one checkerboard, and their difference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import add_volume, array_of, fill, lattice_of
from .as_seen import resampled, seen
from .result import ResultNodes
from .stage import Stage

#: Edge of a square, mm.
SQUARE_MM = 18.0

CHECKERBOARD, DIFFERENCE = "checkerboard", "difference"


def checkerboard(stage: Stage, result: ResultNodes, square_mm: float = SQUARE_MM) -> Any:
    """Return a volume whose cubes show the fixed and the warped image in turn.

    Each image is brought to 0..1 by its own display window, since their contrasts may differ.
    The volume is made at the first call and filled anew at later ones.
    """
    fixed, warped = _both(result)
    lattice = lattice_of(result.warped)
    edges = np.maximum(1, np.rint(square_mm / lattice.spacing)).astype(int)[::-1]
    k, j, i = np.ogrid[tuple(slice(n) for n in lattice.array_shape)]
    odd = (k // edges[0] + j // edges[1] + i // edges[2]) % 2 == 1
    return _volume(stage, result, CHECKERBOARD, np.where(odd, warped, fixed))


def difference(stage: Stage, result: ResultNodes) -> Any:
    """Return a volume of warped minus fixed, each brought to 0..1 by its own display window."""
    fixed, warped = _both(result)
    return _volume(stage, result, DIFFERENCE, warped - fixed)


def _both(result: ResultNodes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    lattice = lattice_of(result.warped)
    fixed, where = seen(result.fixed)
    if not where.is_close(lattice) or fixed.shape != lattice.array_shape:
        fixed = resampled(result.fixed, lattice)
    return _windowed(fixed, result.fixed), _windowed(array_of(result.warped), result.warped)


def _windowed(values: NDArray[Any], volume: Any) -> NDArray[np.float32]:
    node = volume.GetDisplayNode()
    low, high = volume.GetImageData().GetScalarRange()
    if node is not None and node.GetWindow() > 0:
        low, high = node.GetWindowLevelMin(), node.GetWindowLevelMax()
    scaled = (values.astype(np.float32) - low) / max(high - low, 1e-12)
    return np.asarray(np.clip(scaled, 0, 1), dtype=np.float32)


def _volume(stage: Stage, result: ResultNodes, role: str, values: NDArray[np.float32]) -> Any:
    lattice = lattice_of(result.warped)
    node = result.reference(role)
    if node is None:
        node = add_volume(stage.scene, f"{role.capitalize()} - {result.title}", values, lattice)
        result.refer(role, node)
    else:
        fill(node, values, lattice)
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(*((0.0, 1.0) if role == CHECKERBOARD else (-0.5, 0.5)))
    return node
