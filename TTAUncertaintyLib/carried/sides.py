"""Whether what is called left lies on the left."""

from __future__ import annotations

import numpy as np

from .label_map import LabelMap
from .structures import pairs

#: Fewer pairs than this decide nothing.
_FEWEST_PAIRS = 2


def side_remark(labels: LabelMap) -> list[str]:
    """Return what is suspect about left and right in a label map: at most one sentence.

    The world's x axis runs to the left (LPS), so that the middle of a left structure lies farther
    along it than that of its counterpart.
    """
    middles = _middles(labels)
    across = [
        float(middles[left, 0] - middles[right, 0]) for left, right in pairs(labels.structures)
    ]
    wrong = sum(distance < 0 for distance in across)
    if len(across) < _FEWEST_PAIRS or 2 * wrong <= len(across):
        return []
    return [
        f"{wrong} of {len(across)} structures that {labels.path.name} calls left lie on the right "
        "of their counterparts: the labels are mirrored, or their names are swapped."
    ]


def _middles(labels: LabelMap) -> np.ndarray:
    """Return the centre of each structure, shape (n, 3), world LPS mm."""
    count = len(labels.structures)
    flat = labels.numbers.ravel()
    sizes = np.maximum(np.bincount(flat, minlength=count + 1), 1)
    middles = []
    for axis in (2, 1, 0):
        n = labels.numbers.shape[axis]
        shape = [1, 1, 1]
        shape[axis] = n
        at = np.broadcast_to(np.arange(n).reshape(shape), labels.numbers.shape)
        middles.append(np.bincount(flat, at.ravel(), count + 1) / sizes)
    return labels.lattice.to_world(np.stack(middles, axis=1)[1:])
