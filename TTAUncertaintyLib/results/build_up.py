"""How a map builds up: the total uncertainty after the first passes of a kept run, in mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .registrations import KeptRegistrations

Field = NDArray[np.float32]


class BuildUp:
    """The map of total uncertainty after n passes; quick where n grows by one.

    Notes
    -----
    The arithmetic is that of the maps: a one-way analysis of variance over complete perturbations.
    With W the variance within and Bm that of the K means, summed over the three components,
    total = Bm + W (R - 1) / R, and total = Bm where R = 1.
    """

    def __init__(self, kept: KeptRegistrations) -> None:
        self._kept = kept
        self._clear()

    def after(self, passes: int) -> Field | None:
        """Return the map after the first passes.

        Parameters
        ----------
        passes
            From 0 to the number that was kept.

        Returns
        -------
        ndarray
            mm, axes (k, j, i), on the network's fixed lattice; NaN where there is no estimate.
            None before two perturbations are complete.
        """
        groups = min(max(passes, 0), self._kept.count) // self._kept.replicates
        if groups < self._groups:
            self._clear()
        while self._groups < groups:
            self._add(self._groups)
        if groups < 2:
            return None
        repeats = self._kept.replicates
        between = self._squares.sum(axis=0) / (groups - 1)
        if repeats > 1:
            within = self._within.sum(axis=0) / (groups * (repeats - 1))
            between = between + within * (repeats - 1) / repeats
        return np.sqrt(np.maximum(between, 0), dtype=np.float32)

    def _clear(self) -> None:
        shape = (3, *self._kept.lattice.array_shape)
        self._groups = 0
        self._mean = np.zeros(shape, np.float32)
        self._squares = np.zeros(shape, np.float32)
        self._within = np.zeros(shape, np.float32)

    def _add(self, group: int) -> None:
        """Take in a perturbation (Welford)."""
        repeats = self._kept.replicates
        offsets = self._kept.offsets_of(slice(group * repeats, (group + 1) * repeats))
        mean = offsets.mean(axis=0)
        if repeats > 1:
            self._within += ((offsets - mean) ** 2).sum(axis=0)
        self._groups += 1
        step = mean - self._mean
        self._mean += step / self._groups
        self._squares += step * (mean - self._mean)
