"""Which volumes a result folder belongs to: those in the scene, or the files that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.geometry import image_sha256
from TTAUncertaintyLib.results import Bundle


def volumes_of(stage: Any, bundle: Bundle) -> tuple[Any, Any]:
    """Return the fixed and the moving volume of a result; None for one that is not to be had.

    A volume that was loaded from the very file is taken; else the file is loaded, if it is still
    there and still the same. Nothing is guessed from names or sizes: another patient's image
    under a map would be worse than none.
    """
    return _volume(stage, bundle, "fixed"), _volume(stage, bundle, "moving")


def _volume(stage: Any, bundle: Bundle, role: str) -> Any:
    known = bundle.record["inputs"][role]
    path = Path(known["path"])
    try:
        if not path.is_file() or image_sha256(path) != known["sha256"]:
            return None
    except TTAUncertaintyError:  # not an image any more
        return None
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
