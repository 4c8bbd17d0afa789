"""Structures on the fixed image: those of a bundled image, or a label map that was sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import SimpleITK as sitk

from ..errors import InputError
from ..geometry.lattice import Lattice
from ..sample_data import SampleImage, sample_pairs
from ..scene.arrays import add_volume
from ..scene.result import ResultNodes, remove_with_display
from ..scene.structures import Structures, structures_on

if TYPE_CHECKING:
    from .viewer import Viewer


class StructuresOfFixed:
    """Brings labels onto the voxels of a result.

    Parameters
    ----------
    viewer
        The host.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer

    def bundled(self, result: ResultNodes) -> tuple[Structures, str] | None:
        """Return the structures that come with a bundled fixed image, and what they are called."""
        known = result.record["inputs"]["fixed"].get("sha256")
        for pair in sample_pairs().values():
            if pair.fixed.sha256 == known and pair.fixed_labels.path.is_file():
                return self._of_sample(result, pair.fixed_labels), pair.fixed_labels.title
        return None

    def of_file(self, result: ResultNodes, path: Path, name: str) -> Structures:
        """Return the structures of a label file.

        Raises
        ------
        InputError
            If it cannot be read, or nothing of it lies on the result.
        """
        try:
            image = sitk.ReadImage(str(path))
        except RuntimeError as error:
            raise InputError(f"{name} cannot be read.", "Choose a label map.") from error
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise InputError(f"{name} is not a label map.", "Choose a volume of whole numbers.")
        return self._on(result, image, name)

    def _of_sample(self, result: ResultNodes, labels: SampleImage) -> Structures:
        found = self._on(result, sitk.ReadImage(str(labels.path)), labels.title)
        return Structures(found.labels, dict(enumerate(labels.labels, start=1)))

    def _on(self, result: ResultNodes, image: sitk.Image, name: str) -> Structures:
        stage = self._viewer.stage
        values = sitk.GetArrayFromImage(image)
        node = add_volume(stage.scene, name, values, Lattice.of(image), labels=True)
        try:
            return structures_on(stage, node, result.warped)
        finally:
            remove_with_display(node)
