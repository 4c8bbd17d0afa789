"""Slicer without its desktop, for a page: the scene, its logics, and what `scene` expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from trame_slicer.core import SlicerApp

from ..scene.stage import Stage

#: Logics that trame-slicer leaves out, by the name of their module.
_LOGICS = {
    "Units": "vtkSlicerUnitsLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Models": "vtkSlicerModelsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Sequences": "vtkSlicerSequencesLogic",
}


class ViewerApplication:
    """One scene, and the views that trame-slicer draws of it."""

    def __init__(self, folder: Path) -> None:
        #: trame-slicer's.
        self.slicer_app = SlicerApp()
        scene = slicer.mrmlScene = self.slicer_app.scene
        logic = self.slicer_app.app_logic
        (folder / "share" / "ColorFiles").mkdir(parents=True)
        logic.SetTemporaryPath(str(folder))
        logic.SetHomeDirectory(str(folder))
        logic.SetShareDirectory("share")
        # trame-slicer's own colour logic knows no legends
        colors = slicer.vtkSlicerColorLogic()
        self._logics = [self._with_scene(colors)]
        logic.SetModuleLogic("Colors", colors)
        logic.SetColorLogic(colors)
        colors.AddDefaultColorNodes()  # those of the logic before went with it
        for name, kind in _LOGICS.items():
            self._logics.append(self._with_scene(getattr(slicer, kind)()))
            logic.SetModuleLogic(name, self._logics[-1])
        self._logics.append(self._with_scene(slicer.vtkMRMLSliceLinkLogic()))
        if scene.GetFirstNodeByClass("vtkMRMLLayoutNode") is None:
            scene.AddNode(slicer.vtkMRMLLayoutNode())
        four_up = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
        layouts = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        layouts.AddLayoutDescription(four_up, "<layout></layout>")  # the page lays out by itself
        #: What the functions of `scene` work on.
        self.stage = Stage(scene, logic)

    def _with_scene(self, logic: Any) -> Any:
        logic.SetMRMLApplicationLogic(self.slicer_app.app_logic)
        logic.SetMRMLScene(self.slicer_app.scene)
        return logic
