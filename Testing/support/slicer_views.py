"""Slicer's slice and 3D views, drawn off screen: its own displayable managers, no window."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from . import graphics

Picture = NDArray[np.uint8]

_SLICE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)
_THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLVolumeRenderingDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)


class _View:
    """A render window off screen and the displayable managers that fill it."""

    def __init__(self, application: Any, factory: Any, managers: tuple[str, ...]) -> None:
        graphics.require()
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.window.SetInteractor(self.interactor)
        self.interactor.EnableRenderOff()
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._factory = factory
        factory.SetMRMLApplicationLogic(application)
        for name in managers:  # the factory is a singleton
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self.group.Initialize(factory, self.renderer)

    def grab(self, size: tuple[int, int]) -> Picture:
        """Draw and return the picture, uint8 [height, width, 3], top row first."""
        self.window.SetSize(*size)
        self.window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.window)
        grabber.ReadFrontBufferOff()
        grabber.ShouldRerenderOff()
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _ = image.GetDimensions()
        values = vtk_to_numpy(image.GetPointData().GetScalars())
        return np.ascontiguousarray(values.reshape(height, width, -1)[::-1, :, :3])

    def close(self) -> None:
        """Let go of the scene and of the graphics card."""
        self.group.SetMRMLDisplayableNode(None)
        self.group.SetAndObserveDisplayableManagerFactory(None)
        self.window.SetInteractor(None)
        self.window.Finalize()


class SliceView(_View):
    """A slice view.

    Parameters
    ----------
    application
        vtkMRMLApplicationLogic.
    scene
        vtkMRMLScene.
    layout_name
        "Red", "Green", "Yellow", or any other.
    orientation
        "Axial", "Coronal", "Sagittal".
    size
        Width and height in pixels.
    """

    def __init__(
        self,
        application: Any,
        scene: Any,
        layout_name: str,
        orientation: str,
        size: tuple[int, int] = (480, 480),
    ) -> None:
        super().__init__(
            application, slicer.vtkMRMLSliceViewDisplayableManagerFactory(), _SLICE_MANAGERS
        )
        self.layout_name = layout_name
        self.orientation = orientation
        self.size = size
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(application)
        self.logic.SetMRMLScene(scene)
        self.logic.SetDisplayableManagerGroup(self.group)
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._picture = vtk.vtkActor2D()
        self._picture.SetMapper(self._mapper)
        self._picture.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(self._picture)
        self.attach()

    @property
    def node(self) -> Any:
        """vtkMRMLSliceNode."""
        return self.logic.GetSliceNode()

    @property
    def composite_node(self) -> Any:
        """vtkMRMLSliceCompositeNode."""
        return self.logic.GetSliceCompositeNode()

    def attach(self) -> None:
        """Take the scene's nodes of this view, or make them: after opening and closing too."""
        scene = self.logic.GetMRMLScene()
        node = next(
            (
                n
                for n in slicer.util.getNodesByClass("vtkMRMLSliceNode", scene)
                if n.GetLayoutName() == self.layout_name
            ),
            None,
        )
        if node is None:
            node = self.logic.AddSliceNode(self.layout_name)
            node.SetOrientation(self.orientation)
            node.SetLayoutLabel(self.layout_name[:1])
        elif self.node is not node:
            self.logic.SetSliceNode(node)
        if self.group.GetMRMLDisplayableNode() is not node:
            self.group.SetMRMLDisplayableNode(node)
        if node.GetDimensions()[:2] != self.size:
            self.logic.ResizeSliceNode(*self.size)

    def render(self) -> Picture:
        """Draw and return the picture, uint8 [height, width, 3]."""
        self.logic.UpdatePipeline()
        connection = self.logic.GetImageDataConnection()
        self._mapper.SetInputConnection(connection)
        self._picture.SetVisibility(connection is not None)
        return self.grab(self.size)

    def close(self) -> None:
        """Let go of the scene and of the graphics card."""
        self._mapper.SetInputConnection(None)
        self.logic.SetDisplayableManagerGroup(None)
        super().close()
        self.logic.SetMRMLScene(None)


class ThreeDView(_View):
    """A 3D view.

    Parameters
    ----------
    application
        vtkMRMLApplicationLogic.
    scene
        vtkMRMLScene.
    layout_name
        Of its view node.
    size
        Width and height in pixels.
    """

    def __init__(
        self,
        application: Any,
        scene: Any,
        layout_name: str = "1",
        size: tuple[int, int] = (480, 480),
    ) -> None:
        super().__init__(
            application, slicer.vtkMRMLThreeDViewDisplayableManagerFactory(), _THREE_D_MANAGERS
        )
        self.layout_name = layout_name
        self.size = size
        self.logic = slicer.vtkMRMLViewLogic()
        self.logic.SetName(layout_name)
        self.logic.SetMRMLApplicationLogic(application)
        self.logic.SetMRMLScene(scene)
        self.logic.SetDisplayableManagerGroup(self.group)
        self.attach()

    @property
    def node(self) -> Any:
        """vtkMRMLViewNode."""
        return self.group.GetMRMLDisplayableNode()

    def attach(self) -> None:
        """Take the scene's nodes of this view, or make them: after opening and closing too."""
        scene = self.logic.GetMRMLScene()
        node = scene.GetSingletonNode(self.layout_name, "vtkMRMLViewNode")
        if node is None:  # the logic's own AddViewNode returns one that closing has removed
            node = slicer.vtkMRMLViewNode()
            node.SetName(f"View{self.layout_name}")
            node.SetLayoutName(self.layout_name)
            node.SetLayoutLabel(self.layout_name)
            node = scene.AddNode(node)
        if self.group.GetMRMLDisplayableNode() is not node:
            self.group.SetMRMLDisplayableNode(node)

    def render(self) -> Picture:
        """Draw and return the picture, uint8 [height, width, 3]."""
        return self.grab(self.size)

    def close(self) -> None:
        """Let go of the scene and of the graphics card."""
        self.logic.SetDisplayableManagerGroup(None)
        super().close()
        self.logic.SetMRMLScene(None)
