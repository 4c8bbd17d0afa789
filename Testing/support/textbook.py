"""What each family of perturbations does to world points, written out from the textbook.

Nothing here uses the library's own matrices: points in, points out, one step after the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import Amplitudes, Family

Array = NDArray[np.float64]


def _rotated(q: Array, vector: Array) -> Array:
    """Rotate about a vector by its length in degrees: Euler-Rodrigues, cross products."""
    angle = np.linalg.norm(vector)
    if angle == 0:
        return q
    n, a = vector / angle, np.deg2rad(angle)
    along = (q @ n)[..., None] * n
    return np.asarray(along + np.cos(a) * (q - along) + np.sin(a) * np.cross(n, q))


def _sheared(q: Array, s: Array) -> Array:
    x, y, z = np.moveaxis(q, -1, 0)
    return np.stack((x + s[0] * y + s[1] * z, y + s[2] * z, z), -1)


def perturbed(
    points: Array, family: Family, amplitudes: Amplitudes, p: Array, lattice: Lattice
) -> Array:
    """Return tau at world points (..., 3), LPS mm, for an affine family's parameters p.

    About the lattice's centre, in the lattice's axes: shear, then scale, rotation, translation.
    """
    a = amplitudes
    steps: dict[Family, list[Callable[[Array], Array]]] = {
        Family.TRANSLATION: [lambda q: q + p * a.translation_mm],
        Family.ROTATION: [lambda q: _rotated(q, p * a.rotation_deg)],
        Family.RIGID: [
            lambda q: _rotated(q, p[3:] * a.rotation_deg),
            lambda q: q + p[:3] * a.translation_mm,
        ],
        Family.SCALE: [lambda q: q * (1 + p[0] * a.scale)],
        Family.ANISOTROPIC_SCALE: [lambda q: q * (1 + p * a.scale)],
        Family.SHEAR: [lambda q: _sheared(q, p * a.shear)],
        Family.AFFINE: [
            lambda q: _sheared(q, p[9:] * a.shear),
            lambda q: q * (1 + p[6:9] * a.scale),
            lambda q: _rotated(q, p[3:6] * a.rotation_deg),
            lambda q: q + p[:3] * a.translation_mm,
        ],
    }
    q = (points - lattice.center) @ lattice.axes
    for step in steps[family]:
        q = step(q)
    return np.asarray(q @ lattice.axes.T + lattice.center)
