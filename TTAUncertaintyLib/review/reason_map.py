"""Why an error is expected, everywhere: read for hot spots, structures and points alike."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
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

#: Of neighbours nearer than this, mm, one is kept: the features are smoothed more widely.
_APART_MM = 4.0


@dataclass(frozen=True, eq=False)
class ReasonMap:
    """What each reason adds to the logarithm of the expected error.

    What is between its voxels has the reasons of the nearest one.
    """

    #: int8 [R, k, j, i], in the order of `Reason`, multiples of 1/32; zero outside the anatomy.
    steps: NDArray[np.int8]
    #: Where the voxels lie, world LPS mm.
    lattice: Lattice

    def __post_init__(self) -> None:
        if self.steps.shape != (len(Reason), *self.lattice.array_shape):
            raise ValueError(
                f"Reasons of shape {self.steps.shape} do not lie on the lattice "
                f"{self.lattice.array_shape}."
            )

    @classmethod
    def of(
        cls,
        reasons: Callable[[NDArray[np.bool_]], NDArray[np.float32]],
        shows: NDArray[np.bool_],
        lattice: Lattice,
    ) -> ReasonMap:
        """Ask for the reasons of a run, every few millimetres.

        Parameters
        ----------
        reasons
            See `calibration.CalibratedMaps`.
        shows
            bool, axes (k, j, i), on `lattice`: where there is an expected error.
        lattice
            The network's.
        """
        apart = np.maximum(_APART_MM / lattice.spacing + 1e-6, 1).astype(int)
        at = tuple(slice(None, None, int(n)) for n in apart[::-1])
        asked = np.zeros_like(shows)
        asked[at] = shows[at]
        here = shows[at]
        size = here.shape[2], here.shape[1], here.shape[0]
        steps = np.zeros((len(Reason), *here.shape), np.int8)
        steps[:, here] = np.clip(np.rint(reasons(asked).T / _STEP), -127, 127)
        return cls(steps, Lattice(size, lattice.matrix @ np.diag([*apart, 1.0])))

    def at(self, points: ArrayLike) -> list[tuple[Why, ...]]:
        """Return what raises the expected error at points, shape (n, 3), world LPS mm."""
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
        """Yield the same, on average over sets of voxels of another lattice, as flat indices."""
        own = np.arange(1, self.steps[0].size + 1, dtype=np.int32).reshape(self.steps.shape[1:])
        nearest = carried(own, self.lattice, lattice, nearest=True).ravel()
        for part in parts:
            numbers = nearest[part]
            yield self._of(numbers[numbers > 0] - 1)

    def _of(self, numbers: NDArray[Any]) -> tuple[Why, ...]:
        steps = self.steps.reshape(len(Reason), -1)[:, numbers]
        steps = steps[:, steps.any(axis=0)]  # outside the anatomy nothing is known
        if not steps.size:
            return ()
        means = steps.mean(axis=1) * _STEP
        return why_of(dict(zip(Reason, means.tolist(), strict=True)))

    def write(self, path: Path) -> None:
        """Write the map, and read it back.

        Raises
        ------
        OSError
            If it cannot be written whole.
        """
        names = [reason.value for reason in Reason]
        np.savez_compressed(path, steps=self.steps, matrix=self.lattice.matrix, reasons=names)
        try:
            ReasonMap.read(path)
        except InputError as error:
            raise OSError(f"{path.name} could not be written") from error

    @classmethod
    def read(cls, path: Path) -> ReasonMap:
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
                steps = np.asarray(file["steps"], np.int8)
                _, k, j, i = steps.shape
                return cls(steps, Lattice((i, j, k), file["matrix"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path} cannot be read ({error}).",
                "The result folder is damaged: run the registration again.",
            ) from error
