"""Boosted trees as plain arrays: applied with numpy, and taken apart into reasons.

Trees are complete: node n has the children 2n + 1 (its feature is at most the threshold) and
2n + 2. A leaf that ends early is repeated down to the last level.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError

Array = NDArray[np.float32]

#: Rows that are taken at a time, so that they stay in the processor's cache.
_ROWS = 16_384


@dataclass(frozen=True, eq=False)
class Trees:
    """A sum of T trees of one depth.

    Parameters
    ----------
    feature
        uint8 [T, 2**depth - 1]: the column that each inner node asks.
    threshold
        float32, same shape.
    value
        float32 [T, 2**(depth + 1) - 1]: of every node, inner ones included: what the tree says
        on average of what reaches it. The last level's are the answers.
    """

    feature: NDArray[np.uint8]
    threshold: Array
    value: Array

    def __post_init__(self) -> None:
        inner = self.feature.shape[-1]
        shapes_fit = (
            self.feature.ndim == 2
            and self.threshold.shape == self.feature.shape
            and self.value.shape == (len(self.feature), 2 * inner + 1)
            and (inner + 1) & inner == 0
        )
        if not shapes_fit or not np.isfinite(self.value).all():
            raise InputError("The head's trees are damaged.")

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any], name: str) -> Trees:
        """Read what `as_arrays` returned."""
        return cls(
            np.asarray(arrays[f"{name} feature"], np.uint8),
            np.asarray(arrays[f"{name} threshold"], np.float32),
            np.asarray(arrays[f"{name} value"], np.float32),
        )

    def as_arrays(self, name: str) -> dict[str, Any]:
        """Return arrays for a file."""
        return {
            f"{name} feature": self.feature,
            f"{name} threshold": self.threshold,
            f"{name} value": self.value,
        }

    def sum(self, rows: Array) -> Array:
        """Return what the trees say of rows [n, F], float32 [n]."""
        return self._walk(rows, np.zeros(int(self.feature.max(initial=0)) + 1, np.intp), 0)[:, 0]

    @property
    def bias(self) -> float:
        """What they say before anything was asked."""
        return float(self.value[:, 0].sum())

    def shares(self, rows: Array, group_of: NDArray[np.intp], groups: int) -> Array:
        """Take what the trees say of rows apart by groups of features.

        What a step from a node to its child changes is put down to the feature that was asked
        (Saabas 2014), so that `bias` and the shares together are the sum, exactly.

        Parameters
        ----------
        rows
            [n, F].
        group_of
            [F]: the group of each feature.
        groups
            How many there are.

        Returns
        -------
        ndarray
            float32 [n, groups].
        """
        return self._walk(rows, group_of, groups)

    def _walk(self, rows: Array, group_of: NDArray[np.intp], groups: int) -> Array:
        """Return [n, groups] shares, or with no groups the sum, [n, 1]."""
        found = np.zeros((len(rows), max(groups, 1)), np.float32)
        levels = (self.feature.shape[1] + 1).bit_length() - 1
        feature = self.feature.astype(np.intp)

        def walk(first: int) -> None:
            block = np.ascontiguousarray(rows[first : first + _ROWS])
            flat, width = block.reshape(-1), block.shape[1]
            start = np.arange(len(block)) * width
            into = found[first : first + _ROWS]
            places = np.arange(len(block)) * into.shape[1]
            target = into.reshape(-1)
            for tree in range(len(feature)):
                node = np.zeros(len(block), np.intp)
                for _ in range(levels):
                    asked = feature[tree].take(node)
                    right = flat.take(start + asked) > self.threshold[tree].take(node)
                    child = 2 * node + 1 + right
                    if groups:
                        change = self.value[tree].take(child) - self.value[tree].take(node)
                        target[places + group_of.take(asked)] += change
                    node = child
                if not groups:
                    target += self.value[tree].take(node)

        # each block has its own rows; as many threads as the run was given
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for _ in threads.map(walk, range(0, len(rows), _ROWS)):
                pass
        return found
