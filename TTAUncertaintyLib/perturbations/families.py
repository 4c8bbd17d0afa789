"""Families of perturbations: what their parameters are, and what a parameter vector does.

A family turns a vector of dimensionless parameters in [-1, 1] (a point of a design) into an
action on a lattice. One unit of a parameter is the family's amplitude: mm, degrees, or a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ..geometry import Lattice, Matrix


class Family(Enum):
    """Kinds of perturbation; the value is the name on the command line."""

    TRANSLATION = "translation"  #: 3 parameters, mm
    ROTATION = "rotation"  #: 3, degrees, a rotation vector
    RIGID = "rigid"  #: 6: translation, rotation
    SCALE = "scale"  #: 1, one factor for all axes
    ANISOTROPIC_SCALE = "anisotropic-scale"  #: 3, a factor per axis
    SHEAR = "shear"  #: 3, the upper triangle
    AFFINE = "affine"  #: 12: translation, rotation, anisotropic scale, shear
    ELASTIC = "elastic"  #: 3 per control point of a cubic B-spline, mm


#: The affine building blocks of each family, in the order of their parameters.
_BLOCKS: dict[Family, tuple[str, ...]] = {
    Family.TRANSLATION: ("translation",),
    Family.ROTATION: ("rotation",),
    Family.RIGID: ("translation", "rotation"),
    Family.SCALE: ("scale",),
    Family.ANISOTROPIC_SCALE: ("scale3",),
    Family.SHEAR: ("shear",),
    Family.AFFINE: ("translation", "rotation", "scale3", "shear"),
}
_BLOCK_SIZE = {"translation": 3, "rotation": 3, "scale": 1, "scale3": 3, "shear": 3}


#: The amplitudes that act in each family, by its name, in the order in which they are written.
AMPLITUDES_OF: dict[str, tuple[str, ...]] = {
    "translation": ("translation_mm",),
    "rotation": ("rotation_deg",),
    "rigid": ("translation_mm", "rotation_deg"),
    "scale": ("scale",),
    "anisotropic-scale": ("scale",),
    "shear": ("shear",),
    "affine": ("translation_mm", "rotation_deg", "scale", "shear"),
    "elastic": ("elastic_mm", "elastic_spacing_mm"),
}


def blocks(family: Family) -> list[tuple[str, int]]:
    """Return an affine family's building blocks, in the order of its parameters, with sizes."""
    return [(block, _BLOCK_SIZE[block]) for block in _BLOCKS[family]]


@dataclass(frozen=True)
class Amplitudes:
    """How large one unit of each parameter is."""

    #: mm, along each axis of the frame; one number or three.
    translation_mm: float | tuple[float, float, float] = 1.0
    #: Degrees, about each axis of the frame.
    rotation_deg: float = 1.0
    #: Fraction: 0.02 is a factor of 1 plus or minus 0.02.
    scale: float = 0.02
    #: Tangent of the angle, dimensionless.
    shear: float = 0.01
    #: mm, of each coefficient of the B-spline; one number or three (axes of the lattice).
    elastic_mm: float | tuple[float, float, float] = 5.0
    #: mm between control points; one number or three.
    elastic_spacing_mm: float | tuple[float, float, float] = 20.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            values = np.atleast_1d(value)
            if values.size not in (1, 3) or not np.isfinite(values).all() or (values < 0).any():
                raise DesignError(
                    f"The amplitude {name} is {value}.", "Amplitudes are finite and not negative."
                )
        if self.scale >= 1:
            raise DesignError("A scale amplitude of 1 or more would collapse the image.")
        if np.min(self.elastic_spacing_mm) <= 0:
            raise DesignError("The spacing of the elastic control points must be above zero.")


def parameter_count(family: Family, amplitudes: Amplitudes, lattice: Lattice) -> int:
    """Return how many parameters one perturbation of a family has on a lattice."""
    if family is Family.ELASTIC:
        return 3 * int(np.prod(control_shape(amplitudes, lattice)))
    return sum(_BLOCK_SIZE[block] for block in _BLOCKS[family])


def cannot_fold(family: Family, amplitudes: Amplitudes) -> bool:
    """Tell whether no draw of these amplitudes can fold, without looking at one.

    A cubic B-spline deformation is one to one where every coefficient stays below the spacing of
    its control points divided by 2.48. Source: Choi, Lee, "Injectivity conditions of 2D and 3D
    uniform cubic B-spline functions", Graphical Models 62 (2000). Affine families cannot fold,
    since a scale amplitude is below 1.
    """
    if family is not Family.ELASTIC:
        return True
    ratio = np.broadcast_to(amplitudes.elastic_mm, 3) / np.broadcast_to(
        amplitudes.elastic_spacing_mm, 3
    )
    return bool((ratio < 1 / 2.48).all())


def control_grid_shape(
    shape: tuple[int, int, int], step: tuple[float, float, float]
) -> tuple[int, int, int]:
    """Return how many control points cover a lattice.

    Parameters
    ----------
    shape
        (D, H, W) of the lattice, axes (k, j, i).
    step
        Control-point spacing along (i, j, k), voxels.

    Returns
    -------
    tuple of int
        Axes (k, j, i). The spline's domain begins at the first voxel centre and reaches at least
        to the last one; one control point lies before it and two or more behind, as in ITK.
    """
    k, j, i = (int(-(-(n - 1) // s)) + 3 for n, s in zip(shape, reversed(step), strict=True))
    return k, j, i


def control_shape(amplitudes: Amplitudes, lattice: Lattice) -> tuple[int, int, int]:
    """Return how many control points an elastic family has on a lattice, axes (k, j, i)."""
    step = np.broadcast_to(amplitudes.elastic_spacing_mm, 3) / lattice.spacing
    return control_grid_shape(lattice.array_shape, (step[0], step[1], step[2]))


def affine_matrix(
    family: Family, amplitudes: Amplitudes, parameters: NDArray[np.float64]
) -> Matrix:
    """Return the 4x4 matrix of an affine family in its frame: T R S H (shear acts first)."""
    matrix = np.eye(4)
    first = 0
    for block in _BLOCKS[family]:
        values = parameters[first : first + _BLOCK_SIZE[block]]
        first += _BLOCK_SIZE[block]
        factor = np.eye(4)
        if block == "translation":
            factor[:3, 3] = values * np.asarray(amplitudes.translation_mm)
        elif block == "rotation":
            factor[:3, :3] = rotation_matrix(np.deg2rad(values * amplitudes.rotation_deg))
        elif block in ("scale", "scale3"):
            factor[:3, :3] = np.diag(np.broadcast_to(1 + values * amplitudes.scale, 3))
        else:
            factor[[0, 0, 1], [1, 2, 2]] = values * amplitudes.shear
        matrix = matrix @ factor
    return matrix


def rotation_matrix(vector: NDArray[np.float64]) -> Matrix:
    """Return the rotation about a vector by its length in radians (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross))
