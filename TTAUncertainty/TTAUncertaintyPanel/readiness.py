"""Whether a run can begin, and if not, why: one sentence, for the Run button."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.models import models
from TTAUncertaintyLib.perturbations import Family, Sampling
from TTAUncertaintyLib.scene.inputs import problem_with

from .design import resolved, typical_lattice
from .weights import problem_of


def reason_not_to_run(choices: Any, machine: Any, weights: Any) -> str:
    """Say why a run cannot begin; an empty text if it can.

    Cheap enough to be asked after every change in the panel. Whether PyTorch is there is not asked
    here: it is installed on request when the run begins.

    Parameters
    ----------
    choices
        `TTAUncertaintyParameters` or `RunChoices`.
    machine
        `MachineSettings`.
    weights
        `store.Weights` of the chosen model.

    Returns
    -------
    str
        The first thing that is missing, in the order of the panel.
    """
    fixed, moving = choices.fixedVolume, choices.movingVolume
    if fixed is None:
        return _("Choose a fixed volume.")
    if moving is None:
        return _("Choose a moving volume.")
    if fixed is moving:
        return _("Choose two different volumes: the fixed and the moving one are the same.")
    for volume in (fixed, moving):
        problem = problem_with(volume)
        if problem:
            return problem
    if choices.model not in models():
        return _("Choose a model.")
    if not weights.installed:
        return problem_of(weights)
    return (
        _problem_with_transform(choices.initialTransform)
        or _problem_with_structures(choices.structures)
        or _problem_with_design(choices)
        or _problem_with_machine(machine)
        or _problem_with_calibration(machine.calibrationFile(choices.model))
    )


def _problem_with_transform(transform: Any) -> str:
    if transform is None or transform.IsLinear():
        return ""
    return _("The initial transform {name} is not linear: choose a linear one or none.").format(
        name=transform.GetName()
    )


def _problem_with_structures(node: Any) -> str:
    if node is None:
        return ""
    if node.IsA("vtkMRMLSegmentationNode"):
        count = node.GetSegmentation().GetNumberOfSegments()
        empty = _("The segmentation {name} has no segments: add one or choose none.")
        return "" if count else empty.format(name=node.GetName())
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        empty = _("The label map {name} has no voxels: choose another or none.")
        return "" if node.GetImageData() is not None else empty.format(name=node.GetName())
    return _("Structures have to be a segmentation or a label map; {name} is neither.").format(
        name=node.GetName()
    )


def _problem_with_design(choices: Any) -> str:
    try:
        design = resolved(choices)
        if design.sampling is Sampling.HADAMARD:
            if design.family is Family.ELASTIC:
                return _(
                    "Elastic perturbations have too many parameters for a two-level design: "
                    "choose random sampling in Advanced."
                )
            design.draw(typical_lattice(choices.model))  # says whether there is one for this K
    except TTAUncertaintyError as error:
        return str(error)
    except ValueError as error:
        return _("The design is not valid: {problem}.").format(problem=error)
    return ""


def _problem_with_machine(machine: Any) -> str:
    folder = machine.resultsFolder
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if existing is None or not existing.is_dir():
        return _("The results folder {folder} is not a folder: choose another.").format(
            folder=folder
        )
    return ""


def _problem_with_calibration(file: Any) -> str:
    if file is None or file.is_file():
        return ""
    return _("The calibration {file} is gone: choose another in Advanced, or none.").format(
        file=file
    )
