"""A stand-in for ``qMRMLNodeComboBox``: choose a node of the scene."""

# ruff: noqa: N802, N815  (Slicer's names)

from __future__ import annotations

import slicer
import vtk
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from .declared import passed_on, returning, stored
from .mrml_base import Observation

_SCENE = slicer.vtkMRMLScene
_EVENTS = (
    _SCENE.NodeAddedEvent,
    _SCENE.NodeRemovedEvent,
    _SCENE.EndBatchProcessEvent,
    _SCENE.EndCloseEvent,
    _SCENE.EndImportEvent,
)


class qMRMLSortFilterProxyModel(QObject):  # noqa: N801
    """Says which nodes are left out. Left out itself: everything else that the model does."""

    def __init__(self, selector):
        super().__init__(selector)
        self._refresh = selector._refresh

    hiddenNodeIDs = stored("QStringList", "hiddenNodeIDs", [], "_refresh")


class qMRMLNodeComboBox(QWidget):  # noqa: N801
    """Shows the scene's nodes of certain classes, in the scene's order.

    No node is chosen until somebody chooses one, with or without `noneEnabled`. A current node that
    is removed is followed by none; Slicer's may take a neighbour.

    Left out: the entries "Create new", "Rename" and "Delete" in the list (`addNode` and
    `removeCurrentNode` do the same), the subject hierarchy, icons.
    """

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeActivated = Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box = QComboBox()
        self._label = ""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._scene = None
        self._current = self._requested = None
        self._nodes = self._candidates = []
        self._attributes = []
        self._model = qMRMLSortFilterProxyModel(self)
        self._scene_watch = Observation(self)
        self._node_watch = Observation(self)
        self._box.activated.connect(self._chosen)

    nodeTypes = stored("QStringList", "nodeTypes", [], "_refresh")
    noneEnabled = stored(bool, "noneEnabled", False, "_refresh")
    noneDisplay = stored(str, "noneDisplay", "None", "_refresh")
    showHidden = stored(bool, "showHidden", False, "_refresh")
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True, "_refresh")
    hideChildNodeTypes = stored("QStringList", "hideChildNodeTypes", [], "_refresh")
    addEnabled = stored(bool, "addEnabled", True)
    removeEnabled = stored(bool, "removeEnabled", True)
    editEnabled = stored(bool, "editEnabled", False)
    renameEnabled = stored(bool, "renameEnabled", False)
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", False)
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "")
    baseName = stored(str, "baseName", "")
    sizeAdjustPolicy = passed_on(QComboBox.SizeAdjustPolicy, "sizeAdjustPolicy", "_box")

    nodeTypeLabel = returning("_label")

    def setNodeTypeLabel(self, label, *_):
        self._label = label
        self._refresh()

    mrmlScene = returning("_scene")

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        self._scene_watch.end()
        self._scene = scene
        if scene is not None:
            self._scene_watch.watch(scene, _EVENTS, "_refresh")
        self._refresh()

    sortFilterProxyModel = returning("_model")

    def addAttribute(self, node_type, name, value=None):
        """Show nodes of a class only with this attribute, and with this value if one is given."""
        self._attributes.append((node_type, name, value))
        self._refresh()

    def nodeCount(self):
        return len(self._nodes)

    def nodeFromIndex(self, index):
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    currentNode = returning("_current")

    def setCurrentNode(self, node):
        """Choose a node. One that is not listed is chosen once it is: a scene may be opening."""
        self._requested = node if node not in self._nodes else None
        self._select(node if node in self._nodes else None)

    def setCurrentNodeIndex(self, index):
        self._select(self.nodeFromIndex(index))

    def setCurrentNodeID(self, identity):
        self.setCurrentNode(self._scene.GetNodeByID(identity) if self._scene and identity else None)

    currentNodeID = Property(
        str, lambda self: self._current.GetID() if self._current else "", setCurrentNodeID
    )

    def addNode(self, node_type=""):
        """Make a new node, as the entry "Create new" does, and choose it."""
        kind = node_type or self.nodeTypes[0]
        label = self.baseName or kind.removeprefix("vtkMRML").removesuffix("Node")
        node = self._scene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(label))
        self.setCurrentNode(node)
        self.nodeAdded.emit(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self):
        if self._current is not None:
            self._scene.RemoveNode(self._current)

    def _of_kind(self, node):
        types = self.nodeTypes
        exact = node.GetClassName() in types
        derived = self.showChildNodeTypes and any(node.IsA(kind) for kind in types)
        return (exact or derived) and node.GetClassName() not in self.hideChildNodeTypes

    def _shown(self, node):
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if node.GetID() in self._model.hiddenNodeIDs:
            return False
        for kind, name, value in self._attributes:
            found = node.GetAttribute(name)
            if node.IsA(kind) and (found is None or value not in (None, found)):
                return False
        return True

    def _refresh(self):
        if self._scene is not None and self._scene.IsBatchProcessing():
            return  # one refresh follows at its end
        count = self._scene.GetNumberOfNodes() if self._scene is not None else 0
        nodes = [self._scene.GetNthNode(index) for index in range(count)]
        self._candidates = [node for node in nodes if self._of_kind(node)]
        self._nodes = [node for node in self._candidates if self._shown(node)]
        self._node_watch.end()
        for node in self._candidates:
            self._node_watch.watch(node, (vtk.vtkCommand.ModifiedEvent,), "_node_modified")
        self._fill()
        wanted = self._current if self._current in self._nodes else None
        if self._requested is not None and self._requested in self._nodes:
            wanted, self._requested = self._requested, None
        self._select(wanted)

    def _node_modified(self):
        if self._nodes != [node for node in self._candidates if self._shown(node)]:
            self._refresh()
            return
        names = [self._box.itemText(index) for index in range(self._box.count)]
        if names != self._texts():
            self._fill()
            self._show()

    def _texts(self):
        none = [self.noneDisplay] if self.noneEnabled else []
        return none + [node.GetName() or "" for node in self._nodes]

    def _fill(self):
        self._box.blockSignals(True)
        self._box.clear()
        self._box.addItems(self._texts())
        self._box.blockSignals(False)
        kinds = [kind.removeprefix("vtkMRML").removesuffix("Node") for kind in self.nodeTypes]
        self._box.setPlaceholderText(f"Select a {self._label or ' or '.join(kinds)}")

    def _show(self):
        offset = 1 if self.noneEnabled else 0
        row = self._nodes.index(self._current) + offset if self._current else offset - 1
        self._box.blockSignals(True)
        self._box.setCurrentIndex(row)
        self._box.blockSignals(False)

    def _select(self, node):
        changed = node is not self._current
        self._current = node
        self._show()
        if changed:
            self.currentNodeChanged[object].emit(node)
            self.currentNodeChanged[bool].emit(node is not None)
            self.currentNodeIDChanged.emit(self.currentNodeID)

    def _chosen(self, row):
        self._select(self.nodeFromIndex(row - (1 if self.noneEnabled else 0)))
        self.nodeActivated.emit(self._current)
