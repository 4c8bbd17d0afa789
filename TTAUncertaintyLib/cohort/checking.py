"""Everything that is wrong with a table, before anything runs: headers are read, voxels are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..engine.placement import no_overlap
from ..errors import InputError, ModelError, TTAUncertaintyError
from ..geometry import Lattice, Start, read_lattice, read_linear_transform
from ..review.landmark_files import pair_points, read_points
from ..store import WeightsStore, weights_of
from ..worker import Job
from .pairs import Pair, Problem
from .settings import Settings

#: Files that are looked at at the same time: most of it is waiting for a disk.
_READERS = 8

T = TypeVar("T")


def check_pairs(
    pairs: Sequence[Pair],
    settings: Settings,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> list[Problem]:
    """Return what is wrong with the pairs of a table, all of it, by row.

    Parameters
    ----------
    pairs
        From `read_pairs`.
    settings
        How they are to be registered.
    told
        Hears how many of how many are looked through.
    """
    look = _Looking(settings)
    found: list[Problem] = []
    with ThreadPoolExecutor(_READERS) as readers:
        for done, problems in enumerate(readers.map(look.at, pairs), start=1):
            found += problems
            told(done, len(pairs))
    return found


class _Looking:
    """Looks at pairs; what several have in common, a template above all, is looked at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lattice = cache(_kept(read_lattice))
        self._transform = cache(_kept(read_linear_transform))
        self._points = cache(_kept(read_points))
        self._lack = cache(self._lack_of)

    def at(self, pair: Pair) -> list[Problem]:
        """Return what is wrong with a pair."""
        said = [text for column in pair.files for text in self._file(pair, column)]
        if "fixed_landmarks" in pair.files and "moving_landmarks" in pair.files:
            said += self._landmarks(pair)
        try:
            job = self._settings.job_of(pair, pair.files["fixed"])
            said += [*self._lack(job.model), *self._apart(pair, job)]
        except TTAUncertaintyError as error:
            said.append(str(error))
        return [Problem(pair.row, pair.name, text) for text in said]

    def _file(self, pair: Pair, column: str) -> list[str]:
        path = pair.files[column]
        if column.endswith("_landmarks"):
            return _problems(self._points(path))
        if column == "initial_transform":
            return _problems(self._transform(path))
        lattice = self._lattice(path)
        if isinstance(lattice, TTAUncertaintyError) or column in ("fixed", "moving"):
            return _problems(lattice)
        image = "moving" if column == "moving_labels" else "fixed"
        of = self._lattice(pair.files[image])
        if isinstance(of, Lattice) and not lattice.is_close(of):
            return [f"{path} does not lie on the voxels of the {image} image."]
        return []

    def _apart(self, pair: Pair, job: Job) -> list[str]:
        """Say that the images do not overlap as their headers, or a transform, place them."""
        fixed, moving = (self._lattice(pair.files[which]) for which in ("fixed", "moving"))
        initial: object = np.eye(4) if job.start is Start.HEADER else None
        if job.initial_transform is not None:
            initial = self._transform(job.initial_transform)
        if not (isinstance(fixed, Lattice) and isinstance(moving, Lattice)):
            return []
        if not isinstance(initial, np.ndarray):
            return []
        names = pair.files["fixed"].name, pair.files["moving"].name
        problem = no_overlap(fixed, moving, initial, names)
        return [] if problem is None else [str(problem)]

    def _landmarks(self, pair: Pair) -> list[str]:
        sides = [self._points(pair.files[f"{which}_landmarks"]) for which in ("fixed", "moving")]
        if any(isinstance(side, TTAUncertaintyError) for side in sides):
            return []  # told already
        try:
            pair_points(sides[0], sides[1])  # type: ignore[arg-type]
        except InputError as error:
            return [str(error)]
        return []

    def _lack_of(self, model: str) -> list[str]:
        try:
            weights = weights_of(model, WeightsStore(), self._settings.job.weights)
        except ModelError as error:
            return [str(error)]
        if weights.lack is None:
            return []
        return [f"The model '{model}' cannot be used here: {weights.lack.value}."]


def _kept(read: Callable[[Path], T]) -> Callable[[Path], T | TTAUncertaintyError]:
    """Return a function that returns what goes wrong, so that it is remembered too."""

    def reading(path: Path) -> T | TTAUncertaintyError:
        try:
            return read(path)
        except TTAUncertaintyError as error:
            return error
        except OSError as error:
            return InputError(f"{path} cannot be read: {error.strerror or error}.")

    return reading


def _problems(read: object) -> list[str]:
    return [str(read)] if isinstance(read, TTAUncertaintyError) else []
