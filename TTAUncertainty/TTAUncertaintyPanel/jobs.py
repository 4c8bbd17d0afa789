"""From choices to the job file of the background process, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TTAUncertaintyLib.api.choices import job_of
from TTAUncertaintyLib.controls.control import Node, NodeFile, controls_of
from TTAUncertaintyLib.controls.machine_choices import asked_of_machine
from TTAUncertaintyLib.controls.run_choices import RunChoices, asked_of
from TTAUncertaintyLib.results.naming import new_result_folder
from TTAUncertaintyLib.scene.inputs import transform_suffix
from TTAUncertaintyLib.worker.job import Job


@dataclass(frozen=True)
class InputFile:
    """A node that a run reads, and the private file that it is written to."""

    control: Node
    node: Any
    path: Path


def files_within(folder: Path, choices: Any) -> list[InputFile]:
    """Return what a run reads of the scene. The folder goes when the run has ended."""
    found = []
    for name, control in controls_of(RunChoices).items():
        node = getattr(choices, name)
        if isinstance(control, Node) and control.asked and node is not None:
            path = folder / f"{control.asked}{_suffix(control, node)}"
            found.append(InputFile(control, node, path))
    return found


def _suffix(control: Node, node: Any) -> str:
    suffixes = {NodeFile.LINEAR: ".tfm", NodeFile.LABELS: ".seg.nrrd"}
    if control.file is NodeFile.TRANSFORM:
        return transform_suffix(node)
    return suffixes.get(control.file, ".nrrd")


def job_within(folder: Path, choices: Any, machine: Any, output: Path) -> Job:
    """Return the job of a run.

    Parameters
    ----------
    folder
        Private, of `files_within`; provisional maps come to lie in it too.
    choices
        `RunChoices`.
    machine
        `MachineSettings`.
    output
        Folder of the result; must not exist.

    Raises
    ------
    DesignError
        If the design is not valid.
    """
    return job_of(
        asked_of(choices)
        | asked_of_machine(machine)
        | {
            str(file.control.asked): file.control.asks(file.path)
            for file in files_within(folder, choices)
        }
        | {
            "output": output,
            "weights": machine.weightsFile(choices.model),
            "previews": folder / "previews",
            "calibration": machine.calibrationFile(choices.model),
            "fixed_name": choices.fixedVolume.GetName(),
            "moving_name": choices.movingVolume.GetName(),
            "transform_name": choices.registration and choices.registration.GetName(),
        }
    )


def result_folder_of(choices: Any, machine: Any) -> Path:
    """Return a folder for the result of a run that does not exist yet."""
    names = choices.movingVolume.GetName(), choices.fixedVolume.GetName()
    return new_result_folder(machine.resultsFolder / "TTAUncertainty", *names)
