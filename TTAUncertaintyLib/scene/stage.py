"""The scene and what surrounds it, handed to every function of this room."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import slicer


def nodes_of_class(scene: Any, name: str) -> list[Any]:
    """Return the nodes of a class in a scene, oldest first."""
    return [scene.GetNthNodeByClass(n, name) for n in range(scene.GetNumberOfNodesByClass(name))]


@dataclass(frozen=True)
class Stage:
    """Where a result is shown."""

    #: vtkMRMLScene.
    scene: Any
    #: vtkMRMLApplicationLogic: knows the logics of Slicer's modules and the views.
    application: Any

    @classmethod
    def current(cls) -> Stage:
        """Return the running Slicer's."""
        return cls(slicer.mrmlScene, slicer.app.applicationLogic())

    def logic(self, module: str) -> Any:
        """Return the logic of one of Slicer's modules, "Colors" for example.

        Raises
        ------
        LookupError
            If this Slicer does not have the module.
        """
        logic = self.application.GetModuleLogic(module)
        if logic is None:
            raise LookupError(f"This Slicer has no module '{module}'.")
        return logic

    @property
    def hierarchy(self) -> Any:
        """The subject hierarchy (vtkMRMLSubjectHierarchyNode)."""
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Let views and lists follow once, at the end, instead of after every change."""
        self.scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
        try:
            yield
        finally:
            self.scene.EndState(slicer.vtkMRMLScene.BatchProcessState)
