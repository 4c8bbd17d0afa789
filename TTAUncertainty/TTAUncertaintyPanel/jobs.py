"""From choices to the job file of the background process, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TTAUncertaintyLib.engine import Precision
from TTAUncertaintyLib.geometry import Start
from TTAUncertaintyLib.results.naming import new_result_folder
from TTAUncertaintyLib.worker.job import Job

from .design import design_request
from .model_options import options_of


@dataclass(frozen=True)
class RunFiles:
    """The private files of one run; the folder goes when the run has ended.

    Attributes
    ----------
    fixed, moving
        The volumes as the person sees them.
    initialTransform
        ITK transform, fixed to moving; None where none was chosen.
    previews
        Folder of the provisional maps.
    """

    fixed: Path
    moving: Path
    initialTransform: Path | None
    previews: Path

    @classmethod
    def within(cls, folder: Path, transform: bool) -> RunFiles:
        """Name the files of a run in its folder."""
        return cls(
            folder / "fixed.nrrd",
            folder / "moving.nrrd",
            folder / "initial.tfm" if transform else None,
            folder / "previews",
        )


def job_of(choices: Any, files: RunFiles, machine: Any, output: Path) -> Job:
    """Return the job of a run.

    Parameters
    ----------
    choices
        `RunChoices`.
    files
        Where the inputs were written.
    machine
        `MachineSettings`.
    output
        Folder of the result; must not exist.

    Raises
    ------
    DesignError
        If the design is not valid.
    """
    return Job(
        fixed=files.fixed,
        moving=files.moving,
        output=output,
        model=choices.model,
        weights=machine.weightsFile(choices.model),
        options=options_of(choices),
        design=design_request(choices),
        start=Start(choices.start),
        initial_transform=files.initialTransform,
        device=machine.device,
        precision=None if machine.precision == "f32" else Precision(machine.precision),
        batch_size=machine.batchSize or None,
        threads=machine.threads or None,
        previews=files.previews,
        keep_registrations=choices.keepRegistrations,
        calibration=machine.calibrationFile(choices.model),
        tolerance_mm=choices.stopBelowMm or None,
        fixed_name=choices.fixedVolume.GetName(),
        moving_name=choices.movingVolume.GetName(),
    )


def result_folder_of(choices: Any, machine: Any) -> Path:
    """Return a folder for the result of a run that does not exist yet."""
    names = choices.movingVolume.GetName(), choices.fixedVolume.GetName()
    return new_result_folder(machine.resultsFolder / "TTAUncertainty", *names)
