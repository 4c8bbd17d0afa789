"""Known deformations as transforms in the world: drawing, evaluating, inverting.

A transform phi maps the fixed world to the moving world, LPS mm, as a registration's answer does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..geometry import DeformableTransform, Lattice, affine_map, identity_map, sample
from ..perturbations import Amplitudes, Family
from ..perturbations.bspline import spline_displacement
from ..perturbations.families import affine_matrix, control_grid_shape
from .kinds import Deformation
from .random_fields import (
    DeformationStatistics,
    affine_displacement,
    random_affine,
    random_deformation,
)

#: Spacing of the lattice that a random field is drawn on, mm.
FIELD_SPACING_MM = 2.0

#: Largest distance from the start after a deformation and its inverse, mm.
INVERSE_TOLERANCE_MM = 0.05

#: Voxels of the paper's lattice along each axis: what it gives in voxels is a share of these.
_PAPER_SIZE = 175


@dataclass(frozen=True)
class _Random:
    """Statistics of the random smooth kinds, and the rms they are brought to, mm."""

    statistics: DeformationStatistics
    rms_mm: tuple[float, float]


_SMOOTH = {
    Deformation.SMOOTH: _Random(
        DeformationStatistics(
            spacing_mm=(60.0, 36.0, 24.0),
            finest_share=0.4,
            rotation_deg=0.0,
            translation_mm=0.0,
            log_scale=0.0,
            shear=0.0,
        ),
        (5.0, 8.0),
    ),
    Deformation.FINE: _Random(
        DeformationStatistics(
            spacing_mm=(32.0, 24.0, 18.0),
            finest_share=0.8,
            rotation_deg=0.0,
            translation_mm=0.0,
            log_scale=0.0,
            shear=0.0,
        ),
        (2.0, 4.0),
    ),
}
_AFFINE = DeformationStatistics(
    rotation_deg=4.0, translation_mm=4.0, log_scale=0.06, shear=0.02, affine_share=1.0
)
_AFFINE_RMS_MM = (4.0, 12.0)


def draw(kind: Deformation, around: Lattice, generator: torch.Generator) -> DeformableTransform:
    """Draw a known deformation.

    Parameters
    ----------
    around
        Whose field of view it fills; its axes have to be perpendicular.
    """
    lattice = around.resampled(FIELD_SPACING_MM)
    voxels = _DRAWN_BY[kind](kind, lattice, generator)
    to_mm = torch.from_numpy(_linear(lattice.linear))
    return DeformableTransform(affine_map(to_mm, voxels), lattice, np.eye(4))


def _uniform(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(1, generator=generator))


def _smooth(kind: Deformation, lattice: Lattice, generator: torch.Generator) -> Tensor:
    wanted = _uniform(generator, *_SMOOTH[kind].rms_mm)
    statistics = replace(_SMOOTH[kind].statistics, rms_mm=(wanted, wanted))
    return random_deformation(lattice.array_shape, FIELD_SPACING_MM, statistics, generator)[0]


def _affine(kind: Deformation, lattice: Lattice, generator: torch.Generator) -> Tensor:
    field = affine_displacement(
        random_affine(_AFFINE, generator), lattice.array_shape, FIELD_SPACING_MM
    )[0]
    # the size that counts is that of the middle half of the field of view, where anatomy lies
    k, j, i = (slice(n // 4, n - n // 4) for n in lattice.array_shape)
    rms = float(field[:, k, j, i].square().sum(0).mean().sqrt()) * FIELD_SPACING_MM
    return field * (_uniform(generator, *_AFFINE_RMS_MM) / max(rms, 1e-6))


def _paper_affine(kind: Deformation, lattice: Lattice, generator: torch.Generator) -> Tensor:
    draws = torch.rand(6, generator=generator, dtype=torch.float64).numpy() * 2 - 1
    if kind is Deformation.PAPER_TRANSLATION:
        x, y, z = (0.1 * lattice.extent).tolist()
        amplitudes = Amplitudes(translation_mm=(x, y, z))
        matrix = affine_matrix(Family.TRANSLATION, amplitudes, draws[:3])
    else:
        amplitudes = Amplitudes(scale=0.2, shear=0.1)
        matrix = affine_matrix(Family.SHEAR, amplitudes, draws[:3]) @ affine_matrix(
            Family.ANISOTROPIC_SCALE, amplitudes, draws[3:]
        )
    affine = torch.from_numpy(matrix[:3]).float()
    return affine_displacement(affine, lattice.array_shape, FIELD_SPACING_MM)[0]


def _paper_nonlinear(kind: Deformation, lattice: Lattice, generator: torch.Generator) -> Tensor:
    shape = lattice.array_shape
    i, j, k = (float(n) * 10 / _PAPER_SIZE for n in lattice.size)
    controls = control_grid_shape(shape, (i, j, k))
    largest = torch.tensor(lattice.size).view(3, 1, 1, 1) * (12.5 / _PAPER_SIZE)
    rest = identity_map(shape)
    total = torch.zeros(3, *shape)
    for _ in range(2):
        coefficients = (torch.rand(3, *controls, generator=generator) * 2 - 1) * largest
        field = spline_displacement(coefficients, shape, (i, j, k))
        total = total + sample(field[None], (rest + total)[None])[0]
    return total


_DRAWN_BY = {
    Deformation.SMOOTH: _smooth,
    Deformation.FINE: _smooth,
    Deformation.AFFINE: _affine,
    Deformation.PAPER_TRANSLATION: _paper_affine,
    Deformation.PAPER_AFFINE: _paper_affine,
    Deformation.PAPER_NONLINEAR: _paper_nonlinear,
}


def inverse_of(transform: DeformableTransform, lattice: Lattice) -> DeformableTransform:
    """Return the inverse of a deformation, exact at the voxels of a lattice.

    Parameters
    ----------
    transform
        A displacement field without folds; `initial` is the identity.
    lattice
        In the moving world: where the inverse is to be held. An image that is resampled onto this
        lattice sees no interpolation of the inverse.

    Raises
    ------
    InputError
        If there is no inverse to within `INVERSE_TOLERANCE_MM`.

    Notes
    -----
    Fixed-point iteration v <- -u(x + v): Chen et al., Medical Physics 35 (2008). What leaves the
    field of view is not checked: there the field ends.
    """
    if not np.allclose(transform.initial, np.eye(4)):
        raise ValueError("Only displacement fields are inverted.")
    world = affine_map(torch.tensor(lattice.matrix), identity_map(lattice.array_shape))
    to_voxel = torch.from_numpy(transform.lattice.inverse)
    size = torch.tensor(transform.lattice.size).view(3, 1, 1, 1)
    field = transform.displacement[None]
    offset = torch.zeros_like(world)
    gap = math.inf
    for _ in range(60):
        at = affine_map(to_voxel, world + offset)
        there = sample(field, at[None])[0]
        inside = ((at >= 0) & (at <= size - 1)).all(0)
        gap = float((offset + there).square().sum(0).sqrt()[inside].max()) if inside.any() else 0.0
        offset = -there
        if gap < INVERSE_TOLERANCE_MM / 50:
            break
    if gap > INVERSE_TOLERANCE_MM:
        raise InputError(
            f"The deformation has no inverse to {INVERSE_TOLERANCE_MM} mm (it is {gap:.2f} mm off)."
        )
    return DeformableTransform(offset, lattice, np.eye(4))


def _linear(matrix: np.ndarray) -> np.ndarray:
    whole = np.eye(4)
    whole[:3, :3] = matrix
    return whole
