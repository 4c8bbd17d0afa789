"""The beginning of a run: its inputs are written and its process is started, a step at a time."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import slicer

from TTAUncertaintyLib.controls.control import NodeFile
from TTAUncertaintyLib.scene import inputs
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.worker.run import Run

from . import active
from .jobs import InputFile, files_within, job_within, result_folder_of
from .python import worker_environment, worker_python


class Preparation:
    """Takes one step at a time, so that Slicer can breathe between them.

    Parameters
    ----------
    choices
        `RunChoices`.
    machine
        `MachineSettings`.
    output
        Folder for the result; a new one under the machine's results folder if None.
    silence_s
        Seconds without a sign of life after which the process counts as hung.
    """

    def __init__(self, choices: Any, machine: Any, output: Path | None, silence_s: float) -> None:
        #: The process, after the last step; None before.
        self.run: Run | None = None
        #: The fixed volume as the person saw it when the run began; None before it is written.
        self.fixedFile: Path | None = None
        self._choices = choices
        self._machine = machine
        self._output = output
        self._silence_s = silence_s
        self._folder: Path | None = None
        self._steps = self._prepare()

    def step(self) -> str:
        """Take the next step and return what it was.

        Raises
        ------
        TTAUncertaintyError
            If an input cannot be written or the design is not valid.
        OSError
            If there is no place for the files.
        """
        return next(self._steps)

    def clean_up(self) -> None:
        """End the process if it runs and remove every private file; blocks up to five seconds."""
        with contextlib.suppress(ValueError):  # a step is at work this moment
            self._steps.close()
        if self.run is not None:
            self.run.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare(self) -> Iterator[str]:
        choices = self._choices
        folder = Path(tempfile.mkdtemp(prefix="ttauncertainty-", dir=slicer.app.temporaryPath))
        self._folder = folder
        for file in files_within(folder, choices):
            for _step in self._write(file):
                yield f"writing {file.control.asked}"
            self.fixedFile = self.fixedFile or file.path  # the first of all
            yield f"writing {file.control.asked}"
        output = self._output or result_folder_of(choices, self._machine)
        job = job_within(folder, choices, self._machine, output)
        python, environment = worker_python(self._machine), worker_environment(self._machine)
        self.run = active.WORKER.run(job, python, environment, self._silence_s)
        yield "starting the process"

    def _write(self, file: InputFile) -> Iterator[None]:
        """Write a node, a bit at a time where that takes long."""
        choices, node, path = self._choices, file.node, file.path
        match file.control.file:
            case NodeFile.TRANSFORM:
                yield from inputs.write_transform(node, choices.fixedVolume, path)
            case NodeFile.LABELS:
                volume = getattr(choices, file.control.drawn_on)
                inputs.write_labels(Stage.current(), node, volume, path)
            case NodeFile.LINEAR:
                inputs.write_linear_transform(node, path)
            case NodeFile.VOLUME:
                inputs.write_volume(node, path)
