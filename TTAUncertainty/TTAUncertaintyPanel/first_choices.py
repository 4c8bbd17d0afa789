"""Sensible first choices: which volumes a person probably means, as long as none is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from TTAUncertaintyLib.scene.inputs import problem_with
from TTAUncertaintyLib.scene.made_by_runs import made_by_runs


def first_choices(scene: Any, fixed: Any, moving: Any) -> tuple[Any, Any]:
    """Return the fixed and the moving volume to go on with.

    What is chosen stays. What is not is the first volume of the scene that can be registered, the
    fixed one first; None where there are too few.

    Parameters
    ----------
    scene
        vtkMRMLScene.
    fixed, moving
        What is chosen now; None for nothing.
    """
    rest = (node for node in candidates(scene) if node is not fixed and node is not moving)
    fixed = fixed or next(rest, None)
    return fixed, moving or next(rest, None)


def candidates(scene: Any) -> Iterator[Any]:
    """Yield the volumes that can be registered and that no run has made, in the scene's order."""
    made = made_by_runs(scene)
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        if node.GetClassName() != "vtkMRMLScalarVolumeNode":  # label maps are of a derived class
            continue
        if not node.GetHideFromEditors() and node.GetID() not in made and not problem_with(node):
            yield node
