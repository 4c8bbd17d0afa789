"""A 3x3 covariance as an ellipsoid: how far a position spreads, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Contour(Enum):
    """Which surface of a covariance is drawn; the value is its radius in standard deviations.

    In three dimensions the surface of one standard deviation holds only a fifth of a normal
    distribution; 95 % of one lie within the square root of 7.815, the 95th percentile of
    chi-squared with three degrees of freedom.
    """

    ONE_SIGMA = 1.0
    PERCENT_95 = 2.795483482915108

    @property
    def words(self) -> str:
        """For the screen."""
        return {
            Contour.ONE_SIGMA: "one standard deviation along each axis",
            Contour.PERCENT_95: "95 % of the positions, if they are normally distributed",
        }[self]


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """Standard deviations of a position along the directions in which they are independent.

    Parameters
    ----------
    sigma_mm
        Shape (3,), largest first.
    directions
        Shape (3, 3): column n is the unit vector of `sigma_mm[n]`, in the covariance's own frame;
        right-handed.
    """

    sigma_mm: NDArray[np.float64]
    directions: NDArray[np.float64]


def principal_axes(covariance: ArrayLike) -> PrincipalAxes:
    """Return the principal axes of a covariance.

    Parameters
    ----------
    covariance
        Shape (3, 3), mm^2. Only its symmetric part counts. Negative eigenvalues, which the
        unclamped estimate of a small term may have, count as zero.
    """
    symmetric = np.asarray(covariance, float)
    symmetric = (symmetric + symmetric.T) / 2
    values, vectors = np.linalg.eigh(symmetric)
    values, vectors = values[::-1], vectors[:, ::-1]
    if np.linalg.det(vectors) < 0:
        vectors = vectors * [1, 1, -1]
    return PrincipalAxes(np.sqrt(np.maximum(values, 0)), np.ascontiguousarray(vectors))


def root_trace(covariance: ArrayLike) -> float:
    """Return the value of the map that a covariance belongs to: the root of its trace, mm."""
    return float(np.sqrt(max(np.trace(np.asarray(covariance, float)), 0.0)))
