"""Boosted trees as plain arrays: applied with numpy, and taken apart into reasons.

Trees are complete: node n has the children 2n + 1 (its feature is at most the threshold) and
2n + 2. A leaf that ends early is repeated down to the last level.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
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
            and inner < 2**8  # a leaf's number is a byte
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
        return self._said(rows, self.value[:, self._leaves, None])[:, 0]

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
        trees = len(self.feature)
        of_leaf = np.zeros((trees, 1, groups), np.float32)
        for nodes, children in zip(self._levels, [*self._levels[1:], self._leaves], strict=True):
            change = self.value[:, children].reshape(trees, -1, 2) - self.value[:, nodes, None]
            asked = np.eye(groups, dtype=np.float32)[group_of[self.feature[:, nodes]]]
            steps = change[..., None] * asked[:, :, None]
            of_leaf = (of_leaf[:, :, None] + steps).reshape(trees, -1, groups)
        return self._said(rows, of_leaf)

    @property
    def _leaves(self) -> slice:
        return slice(self.feature.shape[1], None)

    @property
    def _levels(self) -> list[slice]:
        """Which nodes are on each level, the leaves' aside."""
        depth = (self.feature.shape[1] + 1).bit_length() - 1
        return [slice(2**level - 1, 2 ** (level + 1) - 1) for level in range(depth)]

    @cached_property
    def _questions(self) -> tuple[NDArray[np.intp], Array, NDArray[np.intp]]:
        """Which features are compared with what, each pair once, and which node asks which."""
        pairs = np.stack((self.feature.ravel().astype(np.float32), self.threshold.ravel()))
        (feature, threshold), node = np.unique(pairs, axis=1, return_inverse=True)
        return feature.astype(np.intp), threshold, node.reshape(self.feature.shape)

    def _said(self, rows: Array, of_leaf: Array) -> Array:
        """Return the sum over trees of what belongs to the leaf [T, leaves, C] of each row."""
        found = np.empty((len(rows), of_leaf.shape[2]), np.float32)

        def say(first: int) -> None:
            block = slice(first, first + _ROWS)
            leaf = self._leaf_of(np.ascontiguousarray(rows[block].T))
            for column in range(of_leaf.shape[2]):
                values = np.ascontiguousarray(of_leaf[..., column])
                first_leaf = np.arange(len(values))[:, None] * values.shape[1]
                found[block, column] = values.take(first_leaf + leaf).sum(axis=0)

        # each block has its own rows; as many threads as the run was given
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for _ in threads.map(say, range(0, len(rows), _ROWS)):
                pass
        return found

    def _leaf_of(self, columns: Array) -> NDArray[np.uint8]:
        """Return the number of the leaf of each tree that each column [F, n] comes to, [T, n].

        Every question is asked of every column, one bit an answer, and of a level's answers the
        one on the path is picked by the bits of the levels above: no memory is walked at random.
        """
        feature, threshold, node = self._questions
        count = columns.shape[1]
        answers = np.empty((len(feature), (count + 7) // 8), np.uint8)
        for asked in np.unique(feature):
            these = slice(*np.searchsorted(feature, (asked, asked + 1)))
            answers[these] = np.packbits(columns[asked] > threshold[these, None], axis=1)
        leaf = np.zeros((len(node), count), np.uint8)
        path: list[NDArray[np.uint8]] = []
        for nodes in self._levels:
            right = answers[node[:, nodes]]
            for went_right in path:
                half = right.shape[1] // 2
                left, right = right[:, :half], right[:, half:]
                right = left ^ ((left ^ right) & went_right)
            path.append(right)
            leaf += leaf
            leaf += np.unpackbits(right[:, 0], axis=1, count=count)
        return leaf
