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
    """Standard deviations of a position along the directions in which they are independent."""

    #: Shape (3,), largest first.
    sigma_mm: NDArray[np.float64]
    #: Shape (3, 3): column n is the unit vector of `sigma_mm[n]`, in the covariance's own frame;
    #: right-handed.
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


#: What the axes of RAS are called, and from which cosine on a direction is "along" one (30 deg).
_AXES = ("left–right", "front–back", "head–foot")
_ALONG = np.cos(np.deg2rad(30))
#: Axes whose standard deviations differ by less than this factor have no direction to speak of.
_ROUND = 1.25


def spread_words(
    axes: PrincipalAxes,
    total: ArrayLike,
    intrinsic: ArrayLike | None = None,
    jitter: ArrayLike | None = None,
) -> str:
    """Return what the spread at a point amounts to, in sentences for a person.

    Parameters
    ----------
    axes
        Of the total covariance, directions in RAS.
    total, intrinsic, jitter
        Covariances, shape (3, 3), mm^2, in any one frame; the last two are None where every
        perturbation was made once.
    """
    parts = [f"Spread {root_trace(total):.2f} mm."]
    if intrinsic is not None and jitter is not None:
        apart = (
            f"Spread {root_trace(total):.2f} mm: intrinsic {root_trace(intrinsic):.2f} mm, "
            f"bias jitter {root_trace(jitter):.2f} mm"
        )
        told = np.trace(np.asarray(jitter, float)) >= 0
        parts = [f"{apart} ({'their squares add up' if told else 'not told apart from zero'})."]
    numbers = ", ".join(f"{value:.2f}" for value in axes.sigma_mm)
    parts.append(f"Standard deviations along its axes: {numbers} mm; {_most(axes)}.")
    return " ".join(parts)


def direction_words(direction_ras: NDArray[np.float64]) -> str:
    """Return what a direction, shape (3,), RAS, lies along: "left–right", or "oblique"."""
    cosines = np.abs(direction_ras) / np.linalg.norm(direction_ras)
    best = int(np.argmax(cosines))
    return _AXES[best] if cosines[best] >= _ALONG else "oblique"


def _most(axes: PrincipalAxes) -> str:
    if axes.sigma_mm[0] < _ROUND * axes.sigma_mm[2]:
        return "nearly the same in all directions"
    if axes.sigma_mm[0] < _ROUND * axes.sigma_mm[1]:
        return f"least in the direction {direction_words(axes.directions[:, 2])}"
    return f"most in the direction {direction_words(axes.directions[:, 0])}"
