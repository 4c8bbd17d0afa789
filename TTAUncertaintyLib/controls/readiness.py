"""Whether a run can begin, and if not, why: one sentence, for the Run button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import TTAUncertaintyError
from ..models import models
from ..perturbations import Family, Sampling
from ..store import Lack, Weights
from .control import Node, controls_of
from .option import Phrase
from .run_choices import RunChoices, resolved, typical_lattice

_LACKS = {
    Lack.MODEL: "Choose a model from the list.",
    Lack.CHOSEN_FILE: (
        "The weights file {path} is not there any more: choose it again under Model."
    ),
    Lack.BUNDLED_FILE: (
        "The weights of {title} are missing: install the extension TTAUncertainty again."
    ),
    Lack.WEIGHTS: (
        "Get the weights of {title} under Model: download them, or install them from a file."
    ),
    Lack.CONSENT: "{title} is a program, and nobody agreed to run it: add it again under Model.",
}


def reason_not_to_run(choices: Any, weights: Weights, results: Path, file: Path | None) -> Phrase:
    """Say why a run cannot begin; no words if it can.

    Cheap enough to be asked after every change in a panel. Whether PyTorch is there is not asked
    here: it is installed on request when the run begins.

    Parameters
    ----------
    choices
        `RunChoices`, or a parameter node with its fields.
    results
        Folder that results are to lie in.
    file
        The calibration that is chosen for the model; None for none.

    Returns
    -------
    Phrase
        The first thing that is missing, in the order of a panel.
    """
    return (
        _problem_with_pair(choices.fixedVolume, choices.movingVolume)
        or problem_with_weights(choices.model, weights)
        or _problem_with_transform(choices)
        or _problem_with_labels(choices)
        or problem_with_design(choices)
        or _problem_with_folder(results)
        or _problem_with_calibration(file)
        or Phrase()
    )


def problem_with_weights(model: str, weights: Weights) -> Phrase:
    """Say why a run cannot begin with a model's weights, and what to do about it."""
    entry = models().get(model)
    if entry is None:
        return Phrase("Choose a model.")
    said = {"title": entry.description.title, "path": weights.file}
    return Phrase() if weights.lack is None else Phrase(_LACKS[weights.lack], said)


def problem_with_design(choices: Any) -> Phrase:
    """Say why there is no design as choices have it."""
    try:
        design = resolved(choices)
        if design.sampling is Sampling.HADAMARD:
            if design.family is Family.ELASTIC:
                return Phrase(
                    "Elastic perturbations have too many parameters for a two-level design: "
                    "choose random sampling in Advanced."
                )
            design.draw(typical_lattice(choices.model))  # says whether there is one for this K
    except TTAUncertaintyError as error:
        return _quoted(str(error))
    except ValueError as error:
        return Phrase("The design is not valid: {problem}.", {"problem": error})
    return Phrase()


def _problem_with_pair(fixed: Any, moving: Any) -> Phrase:
    from ..scene.inputs import problem_with  # VTK, which nothing else here needs

    if fixed is None:
        return Phrase("Choose a fixed volume.")
    if moving is None:
        return Phrase("Choose a moving volume.")
    if fixed is moving:
        same = "Choose two different volumes: the fixed and the moving one are the same."
        return Phrase(same)
    return _quoted(problem_with(fixed) or problem_with(moving))


def _problem_with_transform(choices: Any) -> Phrase:
    first = choices.initialTransform
    if first is not None and not first.IsLinear():
        said = "The initial transform {name} is not linear: choose a linear one or none."
        return Phrase(said, {"name": first.GetName()})
    for transform in (first, choices.registration):
        if transform is not None and _lies_under(choices.movingVolume, transform):
            said = (
                "{moving} lies under {name} already, and would be moved twice: take it out of the "
                "transform, in the module Transforms."
            )
            names = {"moving": choices.movingVolume.GetName(), "name": transform.GetName()}
            return Phrase(said, names)
    return Phrase()


def _lies_under(volume: Any, transform: Any) -> bool:
    parent = volume.GetParentTransformNode()
    while parent is not None and parent is not transform:
        parent = parent.GetParentTransformNode()
    return parent is not None


def _problem_with_labels(choices: Any) -> Phrase:
    for name, control in controls_of(RunChoices).items():
        if isinstance(control, Node) and "vtkMRMLSegmentationNode" in control.classes:
            problem = _problem_with_structures(control.title, getattr(choices, name))
            if problem.words:
                return problem
    return Phrase()


def _problem_with_structures(what: str, node: Any) -> Phrase:
    if node is None:
        return Phrase()
    if node.IsA("vtkMRMLSegmentationNode"):
        empty = node.GetSegmentation().GetNumberOfSegments() == 0
        said = "The segmentation {name} has no segments: add one or choose none."
    elif node.IsA("vtkMRMLLabelMapVolumeNode"):
        empty = node.GetImageData() is None
        said = "The label map {name} has no voxels: choose another or none."
    else:
        empty = True
        said = "{what} has to be a segmentation or a label map; {name} is neither."
    return Phrase(said, {"name": node.GetName(), "what": Phrase(what)}) if empty else Phrase()


def _problem_with_folder(folder: Path) -> Phrase:
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if existing is not None and existing.is_dir():
        return Phrase()
    said = "The results folder {folder} is not a folder: choose another."
    return Phrase(said, {"folder": folder})


def _problem_with_calibration(file: Path | None) -> Phrase:
    if file is None or file.is_file():
        return Phrase()
    said = "The calibration {file} is gone: choose another in Advanced, or none."
    return Phrase(said, {"file": file})


def _quoted(said: str) -> Phrase:
    return Phrase("{said}", {"said": said}) if said else Phrase()
