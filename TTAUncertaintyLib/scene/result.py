"""A result in the scene: one node that knows all the others, and how a bundle becomes that.

The node is a vtkMRMLScriptedModuleNode. It refers to every other node of the result by role and
keeps the record and the review as text, so that all of it is saved and opened with the scene.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.lattice import Lattice
from ..results import Bundle, MapKind, read_transform
from ..results.files import TRANSFORM_FILE
from ..results.labels import RecordedLabels
from ..results.naming import input_name
from ..strict_json import Unreadable, parse_json
from .arrays import add_volume
from .bundle_arrays import BundleArrays
from .colors import OUTSIDE as OUTSIDE_COLORS
from .colors import color_node
from .segmentations import add_segmentation
from .slices import MARKS_ATTRIBUTE
from .stage import Stage, nodes_of_class

#: Marks the node of a result.
ATTRIBUTE = "TTAUncertainty.Result"

#: Roles of the references from the result's node.
FIXED, MOVING, WARPED, TRANSFORM = "fixed", "moving", "warped", "transform"
REGION, OUTSIDE, LABELS = "region", "outside_calibration", "labels"

_RECORD = "record"


class ResultNodes:
    """The nodes of one result.

    Two of them are equal if they stand for the same node.

    Parameters
    ----------
    node
        The vtkMRMLScriptedModuleNode that the others hang on.
    """

    def __init__(self, node: Any) -> None:
        self.node = node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResultNodes) and other.node is self.node

    def __hash__(self) -> int:
        return hash(self.node)

    @property
    def title(self) -> str:
        """What the result is called: "Colin27 on MNI152"."""
        return str(self.node.GetName())

    @property
    def fixed(self) -> Any:
        """The fixed volume; None where it is not in the scene."""
        return self.reference(FIXED)

    @property
    def moving(self) -> Any:
        """The moving volume; None where it is not in the scene."""
        return self.reference(MOVING)

    @property
    def warped(self) -> Any:
        """The moving volume, resampled onto the fixed one."""
        return self.reference(WARPED)

    @property
    def transform(self) -> Any:
        """The transform node that does the same to the moving volume when applied to it."""
        return self.reference(TRANSFORM)

    @property
    def region(self) -> Any:
        """The label map (0 or 1) of where there is anatomy; the maps say nothing elsewhere."""
        return self.reference(REGION)

    @property
    def outside(self) -> Any:
        """The label map (0 or 1) of where the calibration has seen nothing like it, or None."""
        return self.reference(OUTSIDE)

    @property
    def labels(self) -> Any:
        """The segmentation of the moving image's labels, on the fixed one, or None."""
        return self.reference(LABELS)

    @property
    def maps(self) -> dict[MapKind, Any]:
        """The volumes of the maps; those that were deleted are missing."""
        found = {kind: self.reference(map_role(kind)) for kind in MapKind}
        return {kind: node for kind, node in found.items() if node is not None}

    @property
    def record(self) -> dict[str, Any]:
        """How it was made: the content of the bundle's `result.json`."""
        try:
            return dict(parse_json(self.text(_RECORD) or "{}", nan=True))
        except (Unreadable, TypeError, ValueError) as error:
            raise InputError(
                "The record of this result is damaged.", "Load its result folder again."
            ) from error

    @property
    def folder_item(self) -> int:
        """The subject-hierarchy item of the folder that holds it; 0 where there is none."""
        hierarchy = _hierarchy(self.node.GetScene())
        item = hierarchy.GetItemByDataNode(self.node)
        parent = hierarchy.GetItemParent(item) if item else 0
        return int(parent) if parent and parent != hierarchy.GetSceneItemID() else 0

    def reference(self, role: str) -> Any:
        """Return the node in a role; None where there is none."""
        return self.node.GetNodeReference(role)

    def refer(self, role: str, node: Any) -> None:
        """Put a node, or None, into a role; a node also goes into the result's folder."""
        self.node.SetNodeReferenceID(role, None if node is None else node.GetID())
        if node is not None and self.folder_item:
            put_into(self.node.GetScene(), self.folder_item, node)

    def hide(self, *roles: str) -> None:
        """Take the nodes in some roles out of the views; they stay in the scene."""
        for node in map(self.reference, roles):
            if node is not None:
                node.SetDisplayVisibility(False)

    def text(self, key: str) -> str:
        """Return a text that was kept with the result; empty where there is none."""
        return str(self.node.GetParameter(key) or "")

    def set_text(self, key: str, text: str) -> None:
        """Keep a text with the result: it is saved with the scene."""
        self.node.SetParameter(key, text)

    def remove(self) -> None:
        """Remove everything that belongs to the result, and neither of its inputs."""
        scene, folder = self.node.GetScene(), self.folder_item
        kept = {FIXED, MOVING}
        roles: list[str] = []
        self.node.GetNodeReferenceRoles(roles)
        for role in roles:
            node = None if role in kept else self.reference(role)
            if node is not None:
                remove_with_display(node)
        remove_with_display(self.node)
        hierarchy = _hierarchy(scene)
        if folder and hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder)


def map_role(kind: MapKind) -> str:
    """Return the role of a map's volume."""
    return f"map.{kind.value}"


def map_name(title: str, kind: MapKind) -> str:
    """Return the name of a map's volume: what it is comes first, since lists cut names short."""
    unit = f" ({kind.facts.unit})" if kind.facts.unit else ""
    return f"{kind.facts.title}{unit} - {title}"


def results_in(scene: Any) -> list[ResultNodes]:
    """Return the results in a scene, oldest first."""
    nodes = nodes_of_class(scene, "vtkMRMLScriptedModuleNode")
    return [ResultNodes(node) for node in nodes if node.GetAttribute(ATTRIBUTE)]


def add_result(
    stage: Stage, arrays: BundleArrays, fixed: Any = None, moving: Any = None
) -> ResultNodes:
    """Make the nodes of a bundle whose files were read.

    Parameters
    ----------
    fixed, moving
        The volumes that it was made from, where they are in the scene.

    Raises
    ------
    InputError
        If a file is damaged; the scene is as before then.
    """
    bundle, scene = arrays.bundle, stage.scene
    transform = _read_transform(bundle)
    title = f"{_name(moving, bundle, MOVING)} on {_name(fixed, bundle, FIXED)}"
    title = scene.GenerateUniqueName(title) if _taken(scene, title) else title
    with stage.batch():
        node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", title)
        node.SetAttribute(ATTRIBUTE, "1")
        node.SetHideFromEditors(False)
        folder = stage.hierarchy.CreateFolderItem(stage.hierarchy.GetSceneItemID(), title)
        put_into(scene, folder, node)
        result = ResultNodes(node)
        result.set_text(_RECORD, json.dumps(bundle.record))
        result.node.SetNodeReferenceID(FIXED, None if fixed is None else fixed.GetID())
        result.node.SetNodeReferenceID(MOVING, None if moving is None else moving.GetID())
        result.refer(WARPED, add_volume(scene, f"Warped - {title}", arrays.warped, arrays.lattice))
        transform.SetName(f"Transform - {title}")
        result.refer(TRANSFORM, scene.AddNode(transform))
        _set_spaces(result.transform, fixed, moving)
        region = arrays.region.astype(np.uint8)
        labels = add_volume(scene, f"Anatomy - {title}", region, arrays.lattice, labels=True)
        result.refer(REGION, labels)
        if arrays.outside is not None:
            result.refer(OUTSIDE, _add_marks(stage, title, arrays.outside, arrays.map_lattice))
        if arrays.labels is not None:
            result.refer(LABELS, _add_labels(stage, title, arrays.labels, arrays))
        for kind, values in arrays.maps.items():
            volume = add_volume(scene, map_name(title, kind), values, arrays.map_lattice)
            _set_unit(volume, kind)
            result.refer(map_role(kind), volume)
    return result


def _add_marks(stage: Stage, title: str, marks: NDArray[np.uint8], lattice: Lattice) -> Any:
    """Add the label map of what lies outside a calibration, in its own colour."""
    name = f"Outside the calibrated range - {title}"
    node = add_volume(stage.scene, name, marks, lattice, labels=True)
    colors = color_node(stage, OUTSIDE_COLORS)
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    node.SetAttribute(MARKS_ATTRIBUTE, "1")
    return node


def _add_labels(stage: Stage, title: str, values: NDArray[Any], arrays: BundleArrays) -> Any:
    """Add the labels of the moving image as a segmentation with the names and colours on record."""
    found = RecordedLabels.of(arrays.bundle.record).structures
    structures = [each for each in found if each.voxels]
    layers = [(values, structures)]
    return add_segmentation(stage, f"Labels - {title}", layers, arrays.lattice)


def put_into(scene: Any, folder: int, node: Any) -> None:
    """Put a node into a folder of the subject hierarchy, with an item of its own if it has none."""
    hierarchy = _hierarchy(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:
        hierarchy.CreateItem(folder, node)


def remove_with_display(node: Any) -> None:
    """Remove a node from its scene, and what only it uses: how it is shown, stored and listed."""
    scene = node.GetScene()
    hierarchy = _hierarchy(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item:  # only the desktop takes it away by itself; a left one is mistaken for a later node's
        hierarchy.RemoveItem(item, False, False)
    own = []
    if node.IsA("vtkMRMLDisplayableNode"):  # a table is none
        own += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        own += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    scene.RemoveNode(node)
    for other in own:
        if other is not None and other.GetScene() is scene:
            scene.RemoveNode(other)


def _hierarchy(scene: Any) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _read_transform(bundle: Bundle) -> Any:
    """Read the transform of a result into a node that is in no scene yet.

    ITK's transform maps fixed points to moving ones, which is Slicer's transform *from* parent:
    the node's transform to parent moves the moving volume onto the fixed one.
    """
    node = slicer.vtkMRMLTransformNode()
    storage = slicer.vtkMRMLTransformStorageNode()
    with tempfile.TemporaryDirectory(prefix="ttauncertainty-") as folder:
        path = bundle.transform
        if path.suffix == ".nrrd":  # beyond its voxels Slicer would take it for zero
            path = Path(folder) / TRANSFORM_FILE
            sitk.WriteTransform(read_transform(bundle), str(path))
        storage.SetFileName(str(path))
        if not storage.ReadData(node):
            raise InputError(
                f"{bundle.transform} cannot be read.",
                "The result folder is damaged: run the registration again.",
            )
    return node


def _set_spaces(transform: Any, fixed: Any, moving: Any) -> None:
    """Tell the transform which two spaces it connects."""
    roles = (
        (slicer.vtkMRMLTransformNode.GetFixedNodeReferenceRole(), fixed),
        (slicer.vtkMRMLTransformNode.GetMovingNodeReferenceRole(), moving),
    )
    for role, node in roles:
        transform.SetNodeReferenceID(role, None if node is None else node.GetID())


def _set_unit(volume: Any, kind: MapKind) -> None:
    """Say what the voxels mean, in DICOM's codes."""
    if kind.facts.unit != "mm":
        return
    unit, quantity = slicer.vtkCodedEntry(), slicer.vtkCodedEntry()
    unit.SetValueSchemeMeaning("mm", "UCUM", "millimeter")
    quantity.SetValueSchemeMeaning(kind.value, "99TTAUNCERTAINTY", kind.facts.title)
    volume.SetVoxelValueUnits(unit)
    volume.SetVoxelValueQuantity(quantity)


def _name(volume: Any, bundle: Bundle, role: str) -> str:
    """Return the name of an input: that of its node, else the one on record."""
    if volume is not None:
        return str(volume.GetName())
    return input_name(bundle.record, role)


def _taken(scene: Any, title: str) -> bool:
    return any(result.title == title for result in results_in(scene))
