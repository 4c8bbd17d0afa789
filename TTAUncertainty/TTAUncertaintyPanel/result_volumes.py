"""Which volumes a result folder belongs to: those in the scene, or the files that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.geometry import image_sha256
from TTAUncertaintyLib.results import Bundle


def unchanged_inputs(bundle: Bundle) -> list[Path | None]:
    """Return the files of a result's fixed and moving image; None for one that is not to be had.

    A file counts if it is still there and still the same. Nothing is guessed from names or sizes:
    another patient's image under a map would be worse than none. Reads the files, and touches no
    scene: fit for a thread.
    """
    found: list[Path | None] = []
    for role in ("fixed", "moving"):
        known = bundle.record["inputs"][role]
        path = Path(known["path"])
        found.append(path if _is_unchanged(path, known["sha256"]) else None)
    return found


def _is_unchanged(path: Path, known: str) -> bool:
    try:
        return path.is_file() and image_sha256(path) == known
    except TTAUncertaintyError:  # not an image any more
        return False


def volume_of_file(stage: Any, path: Path) -> Any:
    """Return the volume that was loaded from a file, or load it; None if that fails."""
    loaded = _loaded_from(stage.scene, path)
    if loaded is not None:
        return loaded
    try:
        return slicer.util.loadVolume(str(path), {"show": False})
    except RuntimeError:  # Slicer has said why; the maps can be shown without it
        return None


def _loaded_from(scene: Any, path: Path) -> Any:
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        storage = node.GetStorageNode()
        name = storage.GetFullNameFromFileName() if storage is not None else ""
        # a volume that was edited, or moved, is not the one in the file any more
        if name and Path(name) == path and not node.GetModifiedSinceRead():
            return node
    return None
