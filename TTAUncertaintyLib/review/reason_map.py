"""Why an error is expected, everywhere: read for hot spots, structures and points alike."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..cues.reasons import Reason
from ..errors import InputError
from ..geometry.carrying import carried
from ..geometry.lattice import Lattice
from .why import Why, why_of

#: What a reason adds to the logarithm of the expected error is kept in multiples of this.
_STEP = 1 / 32


@dataclass(frozen=True, eq=False)
class ReasonMap:
    """What each reason adds to the logarithm of the expected error.

    Parameters
    ----------
    steps
        int8 [R, k, j, i], in the order of `Reason`, multiples of 1/32; zero outside the anatomy.
    lattice
        Where the voxels lie, world LPS mm.
    """

    steps: NDArray[np.int8]
    lattice: Lattice

    def __post_init__(self) -> None:
        if self.steps.shape != (len(Reason), *self.lattice.array_shape):
            raise ValueError(
                f"Reasons of shape {self.steps.shape} do not lie on the lattice "
                f"{self.lattice.array_shape}."
            )

    @classmethod
    def of(cls, reasons: NDArray[np.floating[Any]], lattice: Lattice) -> ReasonMap:
        """Return the map of reasons [k, j, i, R], NaN outside the anatomy."""
        steps = np.clip(np.rint(np.nan_to_num(reasons) / _STEP), -127, 127)
        return cls(np.ascontiguousarray(np.moveaxis(steps, -1, 0).astype(np.int8)), lattice)

    def within(self, inside: NDArray[np.bool_]) -> tuple[Why, ...]:
        """Return what raises the expected error on average over voxels (bool, on `lattice`)."""
        return self._of(np.flatnonzero(inside))

    def at(self, points: ArrayLike) -> list[tuple[Why, ...]]:
        """Return the same of the voxel nearest to each point [n, 3], world LPS mm."""
        voxels = np.rint(np.atleast_2d(self.lattice.to_voxel(points)))
        inside = ((voxels >= 0) & (voxels < self.lattice.size)).all(axis=1)
        found: list[tuple[Why, ...]] = [()] * len(voxels)
        for n in np.flatnonzero(inside):
            i, j, k = voxels[n].astype(int)
            found[n] = self._of(np.ravel_multi_index(([k], [j], [i]), self.lattice.array_shape))
        return found

    def of_parts(
        self, lattice: Lattice, parts: list[NDArray[np.intp]]
    ) -> Iterator[tuple[Why, ...]]:
        """Yield the same of sets of voxels of another lattice, given as flat indices."""
        own = np.arange(1, self.steps[0].size + 1, dtype=np.int32).reshape(self.steps.shape[1:])
        nearest = carried(own, self.lattice, lattice, nearest=True).ravel()
        for part in parts:
            numbers = nearest[part]
            yield self._of(numbers[numbers > 0] - 1)

    def _of(self, numbers: NDArray[Any]) -> tuple[Why, ...]:
        if not numbers.size:
            return ()
        means = self.steps.reshape(len(Reason), -1)[:, numbers].mean(axis=1) * _STEP
        return why_of(dict(zip(Reason, means.tolist(), strict=True)))

    def write(self, path: Path) -> None:
        """Write the map, and read it back."""
        np.savez_compressed(path, steps=self.steps, reasons=[reason.value for reason in Reason])
        ReasonMap.read(path, self.lattice)

    @classmethod
    def read(cls, path: Path, lattice: Lattice) -> ReasonMap:
        """Read what `write` wrote.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                if file["reasons"].tolist() != [reason.value for reason in Reason]:
                    raise ValueError("its reasons are those of another version")
                return cls(np.asarray(file["steps"], np.int8), lattice)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path} cannot be read ({error}).",
                "The result folder is damaged: run the registration again.",
            ) from error
