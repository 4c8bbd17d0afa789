"""A result folder into the scene, with the memory of where its files lie.

Reading the files takes longer than making the nodes, and touches no scene: it can be done in a
thread while Slicer goes on.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..background_work import BackgroundWork
from ..errors import InputError, TTAUncertaintyError
from ..geometry import read_stored
from ..results import Bundle
from ..review.reason_map import ReasonMap
from .bundle_arrays import BundleArrays
from .result import ResultNodes, add_result

#: Key of the text on the result's node.
FOLDER_KEY = "bundle_folder"


class ResultReading:
    """Reads a result folder in a thread; begins at once."""

    def __init__(self, folder: Path | str, fixed: NDArray[Any] | Path | None = None) -> None:
        self._folder = Path(folder)
        self._work = BackgroundWork(lambda: read_arrays(self._folder, fixed))

    @property
    def ended(self) -> bool:
        """Whether `load` would not have to wait."""
        return self._work.ended

    def load(self, stage: Any, fixed: Any = None, moving: Any = None) -> ResultNodes:
        """Make the nodes; waits for the files where need be. As `load_arrays`."""
        return load_arrays(stage, self._folder, self._work.take(), fixed, moving)


def read_arrays(folder: Path, fixed: NDArray[Any] | Path | None = None) -> BundleArrays:
    """Read a result folder; touches no scene.

    Parameters
    ----------
    fixed
        The fixed image on the result's voxels, where it is at hand: an array (k, j, i), or the
        file that was written for the run. Maps are shown where it has anatomy, too.

    Raises
    ------
    InputError
        If it is not a result folder, or is damaged.
    """
    bundle = Bundle.open(folder)
    try:
        if isinstance(fixed, Path):
            return BundleArrays.read(bundle, read_stored(fixed).values)
        return BundleArrays.read(bundle, fixed)
    except TTAUncertaintyError:
        raise
    except Exception as error:
        raise TTAUncertaintyError(f"{folder} cannot be read ({error}).") from error


def load_arrays(
    stage: Any, folder: Path, arrays: BundleArrays, fixed: Any = None, moving: Any = None
) -> ResultNodes:
    """Make the nodes of a result folder that was read.

    Parameters
    ----------
    stage
        `Stage`.
    folder
        Where its files lie, which is remembered.
    fixed, moving
        The volumes that it belongs to; left out if they are not in the scene (any more).

    Raises
    ------
    InputError
        If it is damaged; nothing is left half loaded.
    """
    result = add_result(stage, arrays, _present(stage, fixed), _present(stage, moving))
    result.set_text(FOLDER_KEY, str(folder.absolute()))
    return result


def folder_of(result: Any) -> Path | None:
    """Return where the files of a result lie on this machine; None if they are gone."""
    text = result.text(FOLDER_KEY)
    folder = Path(text) if text else None
    return folder if folder is not None and folder.is_dir() else None


def reasons_of(result: Any) -> ReasonMap | None:
    """Return why an error is expected; None where that is not known, or its file is gone."""
    folder = folder_of(result)
    return None if folder is None else _reasons(folder, result.record.get("created"))


@lru_cache(maxsize=2)
def _reasons(folder: Path, created: str | None) -> ReasonMap | None:
    try:
        bundle = Bundle.open(folder)
        return bundle.reasons() if bundle.record["created"] == created else None
    except InputError:  # no part of what is in the scene
        return None


def _present(stage: Any, node: Any) -> Any:
    return node if node is not None and stage.scene.IsNodePresent(node) else None
