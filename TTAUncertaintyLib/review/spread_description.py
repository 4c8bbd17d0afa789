"""The spread at a point in words and numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .spread import PrincipalAxes, root_trace

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
