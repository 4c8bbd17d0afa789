"""Numbers over a region of a map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RegionStatistics:
    """A map over a region, in the map's unit."""

    voxels: int
    #: Of the map's values there.
    mean: float
    median: float
    p95: float
    maximum: float


def region_statistics(values: NDArray[np.float32]) -> RegionStatistics | None:
    """Summarise a map over a region; NaN means "no estimate" and is left out.

    Parameters
    ----------
    values
        Of the map in the region, shape (n,); may be in another order afterwards.

    Returns
    -------
    RegionStatistics or None
        None where the region has no estimate at all.
    """
    known = np.isfinite(values)
    inside = values if known.all() else values[known]  # of a large image, every copy counts
    del known
    if inside.size == 0:
        return None
    mean, maximum = float(inside.mean(dtype=np.float64)), float(inside.max())
    median, p95 = np.percentile(inside, [50, 95], overwrite_input=True)
    return RegionStatistics(inside.size, mean, float(median), float(p95), maximum)


def root_mean_variance(variance: NDArray[np.float32]) -> float:
    """Return the root of a variance's mean over a region: the unbiased way to average the terms.

    Parameters
    ----------
    variance
        Traces in the region, mm^2, shape (n,), unclamped: single ones may be negative.

    Returns
    -------
    float
        mm; 0 where the mean is negative, that is, not told apart from zero; NaN without estimate.
    """
    known = np.isfinite(variance)
    if not known.any():
        return float("nan")
    return float(np.sqrt(max(variance.mean(dtype=np.float64, where=known), 0.0)))
