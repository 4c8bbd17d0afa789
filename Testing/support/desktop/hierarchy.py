"""Subject-hierarchy items for new nodes, which in Slicer its Qt plugins make."""

from __future__ import annotations

import slicer
import vtk

#: Classes that some plugin of Slicer's claims.
_CLAIMED = (
    "vtkMRMLVolumeNode",
    "vtkMRMLModelNode",
    "vtkMRMLTransformNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLSequenceBrowserNode",
)


class HierarchyItems:
    """Gives every node that a person would see an item at the top of the subject hierarchy.

    Left out: nesting under what a node belongs to, plugins of extensions, nodes that are shown or
    hidden later.
    """

    def __init__(self, scene):
        self._scene = scene
        scene_class = slicer.vtkMRMLScene

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def added(_scene, _event, node):
            self._claim(node)

        self._tags = [
            scene.AddObserver(scene_class.NodeAddedEvent, added),
            scene.AddObserver(scene_class.EndImportEvent, self._claim_all),
        ]

    def close(self):
        """Let go of the scene."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)

    def _claim_all(self, *_):
        for index in range(self._scene.GetNumberOfNodes()):
            self._claim(self._scene.GetNthNode(index))

    def _claim(self, node):
        if self._scene.IsImporting() or node.GetHideFromEditors():
            return
        if not any(node.IsA(name) for name in _CLAIMED):
            return
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)
        if not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
