"""A result folder into the scene with the images that it was made from, where they still are.

The paths of the images come from the folder's record, and so from this machine; nothing that a
browser sends is taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..background_work import BackgroundWork
from ..errors import TTAUncertaintyError
from ..geometry import Lattice, image_sha256, read_stored
from ..results import Bundle
from ..scene.arrays import add_volume
from ..scene.bundle_arrays import BundleArrays
from ..scene.loading import load_arrays, read_arrays
from ..scene.result import ResultNodes, remove_with_display
from ..scene.stage import Stage


@dataclass(frozen=True, eq=False)
class _Image:
    name: str
    values: NDArray[Any]
    lattice: Lattice


class Opening:
    """Reads a result folder and its images in a thread; begins at once.

    Parameters
    ----------
    names
        What the images are called, by role ("fixed", "moving"); names of their files otherwise.
    """

    def __init__(self, folder: Path, names: dict[str, str] | None = None) -> None:
        self.folder = folder
        self._names = names or {}
        self._work = BackgroundWork(self._read)

    @property
    def ended(self) -> bool:
        """Whether `load` would not have to wait."""
        return self._work.ended

    def load(self, stage: Stage) -> ResultNodes:
        """Make the nodes.

        Raises
        ------
        InputError
            If it is not a result folder, or is damaged; nothing is left half loaded.
        """
        images, arrays = self._work.take()
        nodes = {role: _added(stage, image) for role, image in images.items()}
        try:
            return load_arrays(stage, self.folder, arrays, nodes["fixed"], nodes["moving"])
        except TTAUncertaintyError:
            for node in nodes.values():
                if node is not None:
                    remove_with_display(node)
            raise

    def _read(self) -> tuple[dict[str, _Image | None], BundleArrays]:
        try:
            inputs = Bundle.open(self.folder).record["inputs"]
            images = {
                role: _image(inputs[role], self._names.get(role)) for role in ("fixed", "moving")
            }
        except (KeyError, TypeError) as error:
            raise TTAUncertaintyError(f"{self.folder} is damaged ({error}).") from error
        fixed = images["fixed"]
        return images, read_arrays(self.folder, None if fixed is None else fixed.values)


def remove_with_inputs(result: ResultNodes) -> None:
    """Remove a result and the images that were loaded with it."""
    inputs = [node for node in (result.fixed, result.moving) if node is not None]
    result.remove()
    for node in inputs:
        remove_with_display(node)


def _image(recorded: dict[str, Any], name: str | None) -> _Image | None:
    """Read an input; None where it is gone, or is another image by now."""
    path = Path(recorded["path"])
    if not path.is_file():
        return None
    try:
        if image_sha256(path) != recorded["sha256"]:
            return None
        image = read_stored(path)
    except TTAUncertaintyError:
        return None
    called = name or path.name.partition(".")[0]
    return _Image(called, image.values, image.lattice)


def _added(stage: Stage, image: _Image | None) -> Any:
    return (
        None if image is None else add_volume(stage.scene, image.name, image.values, image.lattice)
    )
