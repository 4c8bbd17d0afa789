"""A result folder into the scene, with the memory of where its files lie.

Reading the files takes longer than making the nodes, and touches no scene: it can be done in a
thread while Slicer goes on.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import TTAUncertaintyError
from ..results import Bundle
from .bundle_arrays import BundleArrays
from .result import add_result

#: Key of the text on the result's node.
FOLDER_KEY = "bundle_folder"


class ResultReading:
    """Reads a result folder in a thread; begins at once.

    Parameters
    ----------
    folder
        The result bundle.
    fixed
        The fixed image on the result's voxels, where it is at hand: an array (k, j, i), or the
        file that was written for the run. Maps are shown where it has anatomy, too.
    """

    def __init__(self, folder: Path | str, fixed: NDArray[Any] | Path | None = None) -> None:
        self._folder = Path(folder)
        self._fixed = fixed
        self._arrays: BundleArrays | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether `load` would not have to wait."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Wait until the files are read, or could not be."""
        self._thread.join()

    def load(self, stage: Any, fixed: Any = None, moving: Any = None) -> Any:
        """Make the nodes and return the `ResultNodes`; waits for the files where need be.

        Parameters
        ----------
        stage
            `Stage`.
        fixed, moving
            The volumes that it belongs to; left out if they are not in the scene (any more).

        Raises
        ------
        InputError
            If it is not a result folder, or is damaged; nothing is left half loaded.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._arrays is not None
        result = add_result(stage, self._arrays, _present(stage, fixed), _present(stage, moving))
        result.set_text(FOLDER_KEY, str(self._folder.absolute()))
        return result

    def _read(self) -> None:
        try:
            bundle, fixed = Bundle.open(self._folder), self._fixed
            if isinstance(fixed, Path):
                fixed = sitk.GetArrayFromImage(sitk.ReadImage(str(fixed)))
            self._arrays = BundleArrays.read(bundle, fixed)
        except TTAUncertaintyError as error:
            self._error = error
        except Exception as error:
            self._error = TTAUncertaintyError(f"{self._folder} cannot be read ({error}).")


def folder_of(result: Any) -> Path | None:
    """Return where the files of a result lie on this machine; None if they are gone."""
    text = result.text(FOLDER_KEY)
    folder = Path(text) if text else None
    return folder if folder is not None and folder.is_dir() else None


def _present(stage: Any, node: Any) -> Any:
    return node if node is not None and stage.scene.IsNodePresent(node) else None
