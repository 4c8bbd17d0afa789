"""A stand-in for Slicer's layout manager: the real logics and views, without their windows."""

# ruff: noqa: N802, N815  (Slicer's names)

from __future__ import annotations

import slicer
import vtk
from PySide6.QtGui import QColor

from . import layout
from .widgets.declared import calling, doing_nothing, passing, returning


class _View:
    """A slice or 3D view's drawing area. Drawing happens when a picture is asked for."""

    def __init__(self, view):
        self._view = view

    forceRender = calling("_view.render")
    scheduleRender = doing_nothing()
    renderWindow = returning("_view.window")
    mrmlViewNode = returning("_view.node")
    resetFocalPoint = calling("_view.renderer.ResetCamera")
    setVisible = doing_nothing()


class qMRMLSliceControllerWidget:  # noqa: N801
    """The bar of a slice view."""

    def __init__(self, view):
        self._view = view

    fitSliceToBackground = calling("_view.logic.FitSliceToAll")
    setSliceLink = passing("_view.composite_node.SetLinkedControl")
    setSliceVisible = passing("_view.node.SetSliceVisible")


class qMRMLSliceWidget:  # noqa: N801
    """A slice view with its bar."""

    def __init__(self, view):
        self._view = view
        self.sliceViewName = view.layout_name

    sliceLogic = returning("_view.logic")
    mrmlSliceNode = returning("_view.node")
    mrmlSliceCompositeNode = returning("_view.composite_node")

    def sliceView(self):
        return _View(self._view)

    def sliceController(self):
        return qMRMLSliceControllerWidget(self._view)

    fitSliceToBackground = calling("_view.logic.FitSliceToAll")


class qMRMLThreeDWidget:  # noqa: N801
    """A 3D view with its bar."""

    def __init__(self, view):
        self._view = view

    def threeDView(self):
        return _View(self._view)

    mrmlViewNode = returning("_view.node")


class _LayoutLogic:
    """In place of Slicer's, which outside the desktop crashes when a scene with a model closes."""

    def __init__(self, scene):
        self._scene = scene

    def GetLayoutNode(self):
        return self._scene.GetFirstNodeByClass("vtkMRMLLayoutNode")


class qSlicerLayoutManager:  # noqa: N801
    """The views by name, and the layout: Slicer's own descriptions say which views it has.

    Left out: windows, maximising, plot and table views, the bars of the view controllers. Views
    stay when a layout no longer shows them.
    """

    tableViewCount = 0
    plotViewCount = 0

    def __init__(self, application, with_views):
        self._application = application
        self._with_views = with_views
        self._describe_layouts()
        node, scene = self._node, application.scene
        self._tags = [(node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._make_views))]
        for event, method in (
            (scene.StartCloseEvent, self._closing),
            (scene.EndCloseEvent, self._closed),
            (scene.EndImportEvent, self._make_views),
        ):
            self._tags.append((scene, scene.AddObserver(event, method, -200.0)))
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutInitialView)  # drawn as four-up

    def _close(self):
        for subject, tag in self._tags:
            subject.RemoveObserver(tag)

    def _describe_layouts(self):
        """Let Slicer's logic put its layouts into the layout node.

        It does not stay: outside the desktop it crashes when a scene with a model is closed.
        """
        logic = slicer.vtkMRMLLayoutLogic()
        logic.SetMRMLApplicationLogic(self._application.application_logic)
        logic.SetMRMLScene(self._application.scene)
        logic.SetMRMLScene(None)
        self._node.SetSingletonTag("vtkMRMLLayoutNode")  # so that closing keeps it

    @property
    def _node(self):
        return self.layoutLogic().GetLayoutNode()

    def _closing(self, *_):
        self._before = self.layout

    def _closed(self, *_):
        """Closing the scene leaves the layout as it was."""
        self.setLayout(self._before)
        self._make_views()

    def _shown(self):
        """Return the layout in force as a `Box` of views."""
        node = self._node
        description = node.GetLayoutDescription(node.GetViewArrangement())
        return layout.parse(description) if description else layout.Box("horizontal")

    def _view(self, name):
        views = {**self._application.three_d_views, **self._application.slice_views}
        return views.get(name)

    def _make_views(self, *_):
        if not self._with_views or self._application.scene.IsBatchProcessing():
            return
        for part in self._shown().views():
            if self._view(part.name) is None:
                if part.class_name == "vtkMRMLViewNode":
                    self._application.add_three_d_view(part.name)
                else:
                    orientation = part.properties.get("orientation", "Axial")
                    self._application.add_slice_view(part.name, orientation)
            node = self._view(part.name).node
            if "viewlabel" in part.properties:
                node.SetLayoutLabel(part.properties["viewlabel"])
            if "viewcolor" in part.properties:
                color = QColor(part.properties["viewcolor"])
                node.SetLayoutColor(color.redF(), color.greenF(), color.blueF())

    def sliceViewNames(self):
        return list(self._application.slice_views)

    def sliceWidget(self, name):
        view = self._application.slice_views.get(name)
        return qMRMLSliceWidget(view) if view is not None else None

    @property
    def threeDViewCount(self):
        return len(self._application.three_d_views)

    def threeDWidget(self, index):
        views = list(self._application.three_d_views.values())
        return qMRMLThreeDWidget(views[index]) if index < len(views) else None

    def mrmlSliceLogics(self):
        logics = vtk.vtkCollection()
        for view in self._application.slice_views.values():
            logics.AddItem(view.logic)
        return logics

    def layoutLogic(self):
        return _LayoutLogic(self._application.scene)

    @property
    def layout(self):
        """Number of the layout in force."""
        return self._node.GetViewArrangement()

    setLayout = passing("_node.SetViewArrangement")

    def resetSliceViews(self):
        for view in self._application.slice_views.values():
            view.logic.FitSliceToAll()

    def resetThreeDViews(self):
        for view in self._application.three_d_views.values():
            view.renderer.ResetCamera()
