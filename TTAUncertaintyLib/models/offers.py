"""Which of the two bundled networks is offered for a pair of images, and why.

One was trained for two skull-stripped human brains, and its expected error was made on such
pairs; the other for any anatomy. Whether an image shows such a brain is told by what skull
stripping leaves: nothing around it, the size of a person's brain, and the shape of an egg.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.lattice import Lattice
from .descriptions import PYRAMID_FLOW, PYRAMID_FLOW_ANY

#: Voxels along an axis that are looked at, at most twice as many.
_LOOKED_AT = 64

#: Darker than this share of the range is nothing; outliers are not part of the range.
_DARK, _BRIGHTEST = 0.02, 0.995

#: Share of the voxels on either side of an axis that its extent leaves out.
_TAIL = 0.002

#: What fifteen people, two atlases, a head CT and a tumour have, with a margin: the share of the
#: image that is nothing, volume in cm3, extent along an axis in mm, and how much of the box of
#: these extents is filled (an ellipsoid: 0.52). Hearts, livers, lungs, a knee and a macaque's brain
#: each miss at least two of them.
_EMPTY, _VOLUME_CM3, _EXTENT_MM, _FILLED = 0.4, (550, 2500), (85, 230), (0.35, 0.6)


def is_brain_alone(values: NDArray[Any], lattice: Lattice) -> bool | None:
    """Tell whether an image shows a person's brain and nothing else.

    Parameters
    ----------
    values
        Any intensities, axes (k, j, i).
    lattice
        Where they lie; only its spacing counts.

    Returns
    -------
    bool or None
        None where nothing can be told: one value everywhere, or NaN or infinity among the voxels
        that are looked at.
    """
    steps = np.maximum(1, np.array(values.shape) // _LOOKED_AT)
    few = values[:: steps[0], :: steps[1], :: steps[2]].astype(np.float32)
    spacing = lattice.spacing[::-1] * steps
    if not np.isfinite(few).all() or few.min() == few.max():
        return None
    low, high = float(few.min()), float(np.quantile(few, _BRIGHTEST))
    places = np.argwhere(few > low + _DARK * (high - low))
    if len(places) == 0 or 1 - len(places) / few.size < _EMPTY:
        return False
    first, last = np.quantile(places, (_TAIL, 1 - _TAIL), axis=0)
    extent = (last - first + 1) * spacing
    volume = len(places) * spacing.prod()
    return bool(
        _within(volume / 1000, _VOLUME_CM3)
        and all(_within(length, _EXTENT_MM) for length in extent)
        and _within(volume / extent.prod(), _FILLED)
    )


def are_brains(images: Iterable[bool | None]) -> bool | None:
    """Tell of what `is_brain_alone` says of each image whether all do; None where it is of one."""
    told = list(images)
    return None if None in told else all(told)


def offered(model: str, brains: bool | None) -> str:
    """Return the bundled network that is offered in place of another one; "" for none.

    Parameters
    ----------
    model
        The one that is chosen, by its name: only of these two one is offered for the other.
    brains
        Whether both images show a brain alone; None as long as there are no two.
    """
    if brains is None:
        return ""
    better = (PYRAMID_FLOW if brains else PYRAMID_FLOW_ANY).name
    return better if model in (PYRAMID_FLOW.name, PYRAMID_FLOW_ANY.name) and model != better else ""


def why_offered(brains: bool) -> str:
    """Say why, as what comes before the name of the one that is offered."""
    if brains:
        return (
            "These are two skull-stripped brains. Trained for such, of one contrast, and the "
            "expected error was made from its answers:"
        )
    return "These are not two skull-stripped human brains. Trained for any anatomy:"


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
