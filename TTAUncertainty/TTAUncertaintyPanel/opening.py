"""A result folder into the scene, with the images that it was made from, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from TTAUncertaintyLib.background_work import BackgroundWork
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.scene.bundle_arrays import BundleArrays
from TTAUncertaintyLib.scene.loading import load_arrays, read_arrays

from .result_volumes import unchanged_inputs, volume_of_file
from .steps import Work


class Opening:
    """Reads a result folder and looks for its images in a thread; begins at once.

    Parameters
    ----------
    folder
        The result bundle.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reading = BackgroundWork(self._read)

    def steps(self, stage: Any) -> Work:
        """Load it, once it is read; returns the `ResultNodes`."""
        yield self._reading
        paths, arrays = self._reading.take()
        volumes = []
        for path in paths:
            volumes.append(None if path is None else volume_of_file(stage, path))
            yield
        result = load_arrays(stage, self.folder, arrays, *volumes)
        yield  # showing it is a step of its own
        return result

    def _read(self) -> tuple[list[Path | None], BundleArrays]:
        paths = unchanged_inputs(Bundle.open(self.folder))
        return paths, read_arrays(self.folder, paths[0])
