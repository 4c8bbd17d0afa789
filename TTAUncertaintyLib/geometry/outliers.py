"""Voxels that lie so far beyond all others that they are a defect: a hot voxel, a broken number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What is ordinary reaches from here to here, in percent of the voxels ...
_ORDINARY = (0.1, 99.9)
#: ... and as often its width beyond. The brightest vessels and metal lie within a few widths.
_WIDTHS = 9.0
#: Voxels that are looked at for it.
_LOOKED_AT = 1_000_000


def ordinary_range(intensities: NDArray[Any]) -> tuple[float, float] | None:
    """Return the range beyond which a voxel is an outlier.

    Parameters
    ----------
    intensities
        Of a scalar image, finite.

    Returns
    -------
    tuple or None
        None where nearly all voxels are alike, so that nothing can be said.
    """
    flat = intensities.reshape(-1)
    sample = flat[:: max(1, flat.size // _LOOKED_AT)]
    low, high = (float(value) for value in np.percentile(sample, _ORDINARY))
    reach = _WIDTHS * (high - low)
    return (low - reach, high + reach) if reach > 0 else None


def outliers(intensities: NDArray[Any]) -> NDArray[Any]:
    """Return the intensities that lie beyond the ordinary range, usually none; one-dimensional."""
    known = ordinary_range(intensities)
    if known is None:
        return intensities.reshape(-1)[:0]
    return intensities[(intensities < known[0]) | (intensities > known[1])]


def without_outliers(intensities: NDArray[Any]) -> NDArray[Any]:
    """Return an image whose outliers are as dark or bright as the ordinary voxel nearest to them.

    An image without any is returned itself.
    """
    known = ordinary_range(intensities)
    if known is None:
        return intensities
    ordinary = (intensities >= known[0]) & (intensities <= known[1])
    if ordinary.all():
        return intensities
    kept = intensities[ordinary]
    return np.clip(intensities, kept.min(), kept.max())
