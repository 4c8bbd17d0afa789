"""3D Slicer without its desktop: the real scene, logics and views, for tests.

`slicer-core` has Slicer's own MRML, Logic and DisplayableManager libraries, and no application
that ties them together: this does. What is a stand-in: `slicer.app` (a few methods), the file
manager (`slicer_files`), and the windows of the views (`slicer_views`).

Use `SlicerApplication` as a context manager. There may be many in one process, one after another.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import slicer
import slicer.util
import vtk

from .slicer_files import FileManager
from .slicer_views import Picture, SliceView, ThreeDView

#: Slicer's module logics, by the name of their module. That of Colors comes first: others ask it.
MODULE_LOGICS = {
    "Units": "vtkSlicerUnitsLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Models": "vtkSlicerModelsLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "SceneViews": "vtkSlicerSceneViewsModuleLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
}
SLICE_VIEWS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


class SlicerApplication:
    """A scene with everything around it that Slicer's desktop would give.

    Parameters
    ----------
    views
        Whether to make the slice views Red, Green and Yellow, and a 3D view. They cost half a
        second and need EGL or X.
    view_size
        Width and height of a view in pixels.

    Attributes
    ----------
    scene
        vtkMRMLScene, also `slicer.mrmlScene`.
    application_logic
        vtkSlicerApplicationLogic.
    io
        What `slicer.app.coreIOManager()` returns.
    slice_views, three_d_views
        By layout name.
    temporary_path
        A folder that goes with the application.
    """

    def __init__(self, views: bool = True, view_size: tuple[int, int] = (480, 480)) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-application-")
        self.temporary_path = Path(self._folder.name)
        self._view_size = view_size
        self._logics: dict[str, Any] = {}
        self.slice_views: dict[str, SliceView] = {}
        self.three_d_views: dict[str, ThreeDView] = {}
        self.scene = slicer.mrmlScene = slicer.vtkMRMLScene()
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self._set_up_application()
        for module, class_name in MODULE_LOGICS.items():
            self._add_logic(module, getattr(slicer, class_name)())
        self.io = FileManager(self)
        slicer.app = self._app()
        self.scene.AddNode(slicer.vtkMRMLLayoutNode())
        self.scene.AddNode(slicer.vtkMRMLCrosshairNode())
        self._observers = [
            self.scene.AddObserver(event, self._scene_changed, -100.0)  # after Slicer's own
            for event in (
                slicer.vtkMRMLScene.EndCloseEvent,
                slicer.vtkMRMLScene.EndImportEvent,
                slicer.vtkMRMLScene.EndRestoreEvent,
            )
        ]
        if views:
            self.link_logic = self._with_scene(slicer.vtkMRMLSliceLinkLogic())
            for name, orientation in SLICE_VIEWS.items():
                self.add_slice_view(name, orientation)
            self.add_three_d_view("1")

    def __enter__(self) -> SlicerApplication:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _set_up_application(self) -> None:
        logic, folder = self.application_logic, str(self.temporary_path)
        logic.SetTemporaryPath(folder)
        logic.SetHomeDirectory(folder)
        logic.SetShareDirectory("share")
        (self.temporary_path / "share" / "ColorFiles").mkdir(parents=True)
        logic.SetMRMLScene(self.scene)
        remote = slicer.vtkMRMLRemoteIOLogic()
        remote.GetCacheManager().SetRemoteCacheDirectory(folder)
        data = slicer.vtkDataIOManagerLogic()
        logic.SetMRMLSceneDataIO(self.scene, remote, data)  # a bundle is not read without
        self._input_output = (remote, data)
        colors = slicer.vtkSlicerColorLogic()
        self._add_logic("Colors", colors)
        logic.SetColorLogic(colors)
        logic.SetSliceLogics(vtk.vtkCollection())
        logic.SetViewLogics(vtk.vtkCollection())
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)

    def _with_scene(self, logic: Any) -> Any:
        logic.SetMRMLApplicationLogic(self.application_logic)
        logic.SetMRMLScene(self.scene)
        return logic

    def _add_logic(self, module: str, logic: Any) -> None:
        self._logics[module] = self._with_scene(logic)
        self.application_logic.SetModuleLogic(module, logic)

    def _app(self) -> SimpleNamespace:
        return SimpleNamespace(
            applicationLogic=lambda: self.application_logic,
            coreIOManager=lambda: self.io,
            ioManager=lambda: self.io,
            mrmlScene=lambda: self.scene,
            processEvents=lambda: None,
            temporaryPath=str(self.temporary_path),
        )

    def logic(self, module: str) -> Any:
        """Return a module's logic by the module's name, "Volumes" for example."""
        return self._logics[module]

    def add_slice_view(self, layout_name: str, orientation: str = "Axial") -> SliceView:
        """Add a slice view."""
        view = SliceView(
            self.application_logic, self.scene, layout_name, orientation, self._view_size
        )
        self.slice_views[layout_name] = view
        self.application_logic.GetSliceLogics().AddItem(view.logic)
        return view

    def add_three_d_view(self, layout_name: str) -> ThreeDView:
        """Add a 3D view."""
        view = ThreeDView(self.application_logic, self.scene, layout_name, self._view_size)
        self.three_d_views[layout_name] = view
        self.application_logic.GetViewLogics().AddItem(view.logic)
        return view

    def render_slice(self, layout_name: str = "Red") -> Picture:
        """Draw a slice view and return its picture, uint8 [height, width, 3]."""
        return self.slice_views[layout_name].render()

    def render_3d(self, layout_name: str = "1") -> Picture:
        """Draw a 3D view and return its picture, uint8 [height, width, 3]."""
        return self.three_d_views[layout_name].render()

    def add_to_hierarchy(self, node: Any) -> int:
        """Give a node its item in the subject hierarchy, as the desktop does by itself."""
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
        item = hierarchy.GetItemByDataNode(node)
        return int(item or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node))

    def load_volume(self, path: Path | str, name: str | None = None) -> Any:
        """Load a volume file and return its node."""
        return slicer.util.loadVolume(str(path), {"name": name} if name else {})

    def save_scene(self, path: Path) -> bool:
        """Save the scene as .mrb or .mrml."""
        if path.suffix == ".mrb":
            return bool(self.scene.WriteToMRB(str(path)))
        self.scene.SetURL(str(path))
        self.scene.SetRootDirectory(str(path.parent))
        return bool(self.scene.Commit(str(path)))

    def open_scene(self, path: Path) -> bool:
        """Close the scene and open a saved one."""
        self.close_scene()
        with self.io.progress():
            if path.suffix == ".mrb":
                return bool(self.scene.ReadFromMRB(str(path)))
            self.scene.SetURL(str(path))
            return bool(self.scene.Connect())

    def close_scene(self) -> None:
        """Empty the scene, as File > Close Scene does."""
        self.scene.Clear(0)

    def _scene_changed(self, *_: Any) -> None:
        if self.scene.GetFirstNodeByClass("vtkMRMLLayoutNode") is None:
            self.scene.AddNode(slicer.vtkMRMLLayoutNode())
        for view in (*self.slice_views.values(), *self.three_d_views.values()):
            view.attach()

    def close(self) -> None:
        """Take everything down; harmless if done before."""
        if self.scene is None:
            return
        for observer in self._observers:
            self.scene.RemoveObserver(observer)
        for view in (*self.slice_views.values(), *self.three_d_views.values()):
            view.close()
        self.slice_views.clear()
        self.three_d_views.clear()
        self.application_logic.SetSliceLogics(None)
        self.application_logic.SetViewLogics(None)
        self.scene.Clear(1)
        self._logics.clear()
        slicer.mrmlScene = None
        slicer.app = None
        self.scene = None
        self._folder.cleanup()
