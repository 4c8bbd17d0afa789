"""Structures on the fixed image: those of a bundled image, or a label map that was sent."""

from __future__ import annotations

from pathlib import Path

from ..geometry import StoredImage, read_stored_labels
from ..sample_data import SampleImage, sample_pairs
from ..scene.arrays import add_volume
from ..scene.result import ResultNodes, remove_with_display
from ..scene.structures import Structures, structures_on
from .part import Part


class StructuresOfFixed(Part):
    """Brings labels onto the voxels of a result."""

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
        return self._on(result, read_stored_labels(path), name)

    def _of_sample(self, result: ResultNodes, labels: SampleImage) -> Structures:
        found = self._on(result, read_stored_labels(labels.path), labels.title)
        return Structures(found.labels, found.lattice, dict(enumerate(labels.labels, start=1)))

    def _on(self, result: ResultNodes, image: StoredImage, name: str) -> Structures:
        stage = self._viewer.stage
        node = add_volume(stage.scene, name, image.values, image.lattice, labels=True)
        try:
            return structures_on(stage, node, result.warped)
        finally:
            remove_with_display(node)
