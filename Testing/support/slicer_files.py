"""A stand-in for Slicer's `coreIOManager`, which is Qt: what `slicer.util`'s load and save need.

Files are read and written by Slicer's own logics and storage nodes. What is left out: file
dialogs, readers that modules register, guessing a type from the content, loading options other
than a name and "labelmap".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

_TYPES = {
    "VolumeFile": (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd"),
    "TransformFile": (".h5", ".tfm", ".txt", ".mat"),
    "ColorTableFile": (".ctbl", ".cxml"),
    "MarkupsFile": (".mrk.json", ".fcsv"),
    "SegmentationFile": (".seg.nrrd",),
    "SceneFile": (".mrb", ".mrml"),
    "ModelFile": (".vtk", ".vtp", ".stl"),
}


class FileManager:
    """Reads files into a scene and writes nodes.

    Parameters
    ----------
    application
        `SlicerApplication`.

    Attributes
    ----------
    progress
        What is entered while files are loaded: Slicer's progress dialog, or nothing.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self.progress: Callable[[], AbstractContextManager[None]] = nullcontext

    def fileType(self, path: str) -> str:  # noqa: N802  (Slicer's name)
        endings = {end: kind for kind, ends in _TYPES.items() for end in ends}
        found = [end for end in endings if path.lower().endswith(end)]
        return endings[max(found, key=len)] if found else "NoFile"

    def fileWriterFileType(self, node: Any) -> str:  # noqa: N802
        """Return a type: every node is written by its own storage node here."""
        return str(node.GetClassName())

    def loadNodes(  # noqa: N802
        self, kind: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None
    ) -> bool:
        """Load a file; nodes are added to `loaded`."""
        path = str(properties["fileName"])
        scene = self._application.scene
        if not Path(path).is_file():
            if messages is not None:
                messages.AddMessage(1, f"{path} does not exist.")
            return False
        if kind == "SceneFile":
            return self._application.open_scene(Path(path))
        with self.progress():
            node = self._load(kind, path, properties, scene)
        if node is not None and loaded is not None:
            loaded.AddItem(node)
        return node is not None

    def _load(self, kind: str, path: str, properties: dict[str, Any], scene: Any) -> Any:
        name = str(properties.get("name") or Path(path).name.split(".")[0])
        if kind == "VolumeFile":
            options = 1 if properties.get("labelmap") else 0
            volumes = self._application.logic("Volumes")
            node = volumes.AddArchetypeVolume(path, name, options)
            if node is not None:
                self._application.add_to_hierarchy(node)
            return node
        if kind == "TransformFile":
            return self._application.logic("Transforms").AddTransform(path, scene)
        if kind == "ColorTableFile":
            return self._application.logic("Colors").LoadColorFile(path, name)
        if kind == "MarkupsFile":
            identity = self._application.logic("Markups").LoadMarkups(path, name)
            return scene.GetNodeByID(identity) if identity else None
        if kind == "SegmentationFile":
            return self._application.logic("Segmentations").LoadSegmentationFromFile(path)
        if kind == "ModelFile":
            return self._application.logic("Models").AddModel(path)
        return None

    def saveNodes(  # noqa: N802
        self, kind: str, properties: dict[str, Any], messages: Any = None
    ) -> bool:
        """Write a node, or with kind "SceneFile" the scene."""
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return self._application.save_scene(Path(path))
        node = self._application.scene.GetNodeByID(properties["nodeID"])
        if node is None:
            return False
        storage = node.CreateDefaultStorageNode()
        if storage is None:
            return False
        self._application.scene.AddNode(storage)
        storage.SetFileName(path)
        storage.SetUseCompression(int(properties.get("useCompression", 0)))
        done = bool(storage.WriteData(node))
        self._application.scene.RemoveNode(storage)
        return done

    def registeredFileReaderCount(self, kind: str) -> int:  # noqa: N802
        return int(kind in _TYPES)
