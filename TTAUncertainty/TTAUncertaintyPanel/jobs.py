"""From choices to the job file of the background process, and where its files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from TTAUncertaintyLib.api.choices import job_of
from TTAUncertaintyLib.controls.control import Node, controls_of
from TTAUncertaintyLib.controls.machine_choices import asked_of_machine
from TTAUncertaintyLib.controls.run_choices import RunChoices, asked_of
from TTAUncertaintyLib.results.naming import new_result_folder
from TTAUncertaintyLib.worker.job import Job


def files_within(folder: Path, choices: Any) -> dict[str, tuple[Any, Path]]:
    """Return the nodes that a run reads and the private files that they are written to.

    By the names of a job. The folder goes when the run has ended.
    """
    found = {}
    for name, control in controls_of(RunChoices).items():
        node = getattr(choices, name)
        if isinstance(control, Node) and control.asked and node is not None:
            found[control.asked] = node, folder / f"{control.asked}.{control.file}"
    return found


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
        | {name: file for name, (_node, file) in files_within(folder, choices).items()}
        | {
            "output": output,
            "weights": machine.weightsFile(choices.model),
            "previews": folder / "previews",
            "calibration": machine.calibrationFile(choices.model),
            "fixed_name": choices.fixedVolume.GetName(),
            "moving_name": choices.movingVolume.GetName(),
        }
    )


def result_folder_of(choices: Any, machine: Any) -> Path:
    """Return a folder for the result of a run that does not exist yet."""
    names = choices.movingVolume.GetName(), choices.fixedVolume.GetName()
    return new_result_folder(machine.resultsFolder / "TTAUncertainty", *names)
