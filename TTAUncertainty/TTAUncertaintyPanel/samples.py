"""The images that come with the extension: listed in Sample Data, loaded without network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.sample_data import SampleImage, SamplePair, sample_pair, sample_pairs

CATEGORY = "TTAUncertainty"

#: Of the labels 1, 2, 3: told apart by lightness too.
_COLORS = ((0.35, 0.60, 0.90), (0.60, 0.60, 0.60), (0.95, 0.95, 0.90))


def register_sample_data() -> None:
    """List in the module Sample Data: the bundled pairs, the fixed image's tissues, landmarks.

    The files are copied from the extension into Slicer's cache and checked there.
    """
    import SampleData

    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    icon = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "TTAUncertainty.png"
    pairs = sample_pairs()
    for pair in pairs.values():
        register(
            category=CATEGORY,
            sampleName=_pair_title(pair),
            thumbnailFileName=str(icon),
            **_source(pair.fixed, pair.moving),
        )
    loaders = {pair.fixed_labels: load_sample_labels for pair in pairs.values()}
    for pair in pairs.values():
        points = pair.fixed_landmarks, pair.moving_landmarks
        loaders |= dict.fromkeys(points, load_sample_landmarks)
    for one, load in loaders.items():
        register(
            category=CATEGORY,
            sampleName=_(one.title),
            thumbnailFileName=str(icon),
            customDownloader=lambda _source, one=one, load=load: [load(one)],
            **_source(one),
        )


def load_sample_pair(name: str = "reference") -> tuple[Any, Any]:
    """Load the fixed and the moving volume of a bundled pair.

    Parameters
    ----------
    name
        "reference", "lesion" or "lung".

    Returns
    -------
    tuple
        The two volume nodes.
    """
    pair = sample_pair(name)
    return _load(pair.fixed), _load(pair.moving)


def load_sample_labels(image: SampleImage) -> Any:
    """Load a label map whose labels have their names, as structures need them."""
    node = _load(image, {"labelmap": True})
    colors = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", f"{node.GetName()} names")
    colors.SetTypeToUser()
    colors.SetHideFromEditors(True)
    colors.SetNumberOfColors(len(image.labels) + 1)
    colors.SetColor(0, "Background", 0.0, 0.0, 0.0, 0.0)
    for label, (name, color) in enumerate(zip(image.labels, _COLORS, strict=False), start=1):
        colors.SetColor(label, name, *color, 1.0)
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    return node


def load_sample_landmarks(points: SampleImage) -> Any:
    """Load a list of landmarks: locked, so that no click moves one, and without their names.

    Thirty names over one another hide the image; the review's table has them.
    """
    node = slicer.util.loadMarkups(str(points.path))
    node.SetName(node_name(points))
    node.SetLocked(True)
    node.GetDisplayNode().SetPointLabelsVisibility(False)
    return _without_file(node)


def node_name(image: SampleImage) -> str:
    """What a loaded sample image is called in the scene: its title without its role."""
    return image.title.partition(" (")[0]


def _pair_title(pair: SamplePair) -> str:
    return _("{moving} on {fixed}").format(
        moving=node_name(pair.moving), fixed=node_name(pair.fixed)
    )


def _source(*images: SampleImage) -> dict[str, list[str]]:
    return {
        "uris": [image.path.as_uri() for image in images],
        "fileNames": [image.path.name for image in images],
        "nodeNames": [node_name(image) for image in images],
        "checksums": [f"SHA256:{image.sha256}" for image in images],
    }


def _load(image: SampleImage, properties: dict[str, Any] | None = None) -> Any:
    properties = {"name": node_name(image), "show": False} | (properties or {})
    return _without_file(slicer.util.loadVolume(str(image.path), properties))


def _without_file(node: Any) -> Any:
    """Make a node forget its file: saving the scene must not write over ours."""
    storage = node.GetStorageNode()
    if storage is not None:
        slicer.mrmlScene.RemoveNode(storage)
    return node
