"""The module without its panel: for the panel, for Slicer's Python console, and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from TTAUncertaintyLib.controls.readiness import reason_not_to_run
from TTAUncertaintyLib.controls.run_choices import RunChoices
from TTAUncertaintyLib.errors import InputError, WorkerError
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.results.registrations import KeptRegistrations
from TTAUncertaintyLib.results.review_report import Picture, ReviewContent, write_review
from TTAUncertaintyLib.scene import result as results
from TTAUncertaintyLib.scene.as_seen import seen
from TTAUncertaintyLib.scene.landmarks import measure_landmarks
from TTAUncertaintyLib.scene.loading import ResultReading, folder_of
from TTAUncertaintyLib.scene.review_content import content_search
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.structures import structures_on
from TTAUncertaintyLib.store import Download, Weights, WeightsStore, weights_of
from TTAUncertaintyLib.worker.run import Phase

from . import active, requirements, runs
from .machine import MachineSettings
from .parameters import TTAUncertaintyParameters
from .python import worker_python
from .saving import save_result


class TTAUncertaintyLogic(ScriptedLoadableModuleLogic):
    """Starts runs, loads and saves results, exports reviews."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self.machine = MachineSettings()
        #: `requirements.TorchCheck`: whether PyTorch is there, found out in the background.
        self.torchCheck = requirements.TorchCheck(self.machine)
        #: The `RunController` of the last run that this logic started; None before the first.
        self.run: runs.RunController | None = None

    def getParameterNode(self) -> TTAUncertaintyParameters:
        """The choices of the study, kept in the scene."""
        return TTAUncertaintyParameters(super().getParameterNode())

    @property
    def running(self) -> bool:
        """Whether a run is under way, whoever started it."""
        return active.running() is not None

    def weights(self, model: str) -> Weights:
        """Whether the weights of a model are there."""
        return weights_of(model, self.weightsStore, self.machine.weightsFile(model))

    @property
    def weightsStore(self) -> WeightsStore:
        """The weights that are installed on this computer.

        Its `install_file`, `install_own` and `verify` take seconds: call them from a thread.
        """
        return WeightsStore(python=worker_python(self.machine))

    def reasonNotToRun(self, choices: Any) -> str:
        """Say why a run with these choices cannot begin; empty if it can.

        Parameters
        ----------
        choices
            The parameter node, or `RunChoices`.
        """
        machine, model = self.machine, choices.model
        calibration = machine.calibrationFile(model)
        why = reason_not_to_run(choices, self.weights(model), machine.resultsFolder, calibration)
        return why.said(_)

    def startRun(
        self,
        parameters: Any = None,
        waitForCompletion: bool = False,
        output: Path | str | None = None,
        showPreview: bool = True,
        onState: Callable[[Any], None] | None = None,
        onPreview: Callable[[Any], None] | None = None,
        onFinished: Callable[[Any], None] | None = None,
        **choices: Any,
    ) -> runs.RunController:
        """Register two volumes in a background process.

        Parameters
        ----------
        parameters
            A parameter node or `RunChoices`; the defaults if not given.
        waitForCompletion
            Return when the run has ended; Slicer goes on handling events meanwhile.
        output
            Folder for the result; a new one under the machine's results folder if not given.
        showPreview
            Show the provisional map in the scene while passes arrive.
        onState, onPreview, onFinished
            See `RunController.observe`.
        **choices
            Fields of `RunChoices` that go before `parameters`: ``fixedVolume=node``,
            ``preset="quick"``, ``outer=12`` and so on.

        Returns
        -------
        RunController
            With `state` and, at the end, `result`.

        Raises
        ------
        InputError
            If the run cannot begin; the sentence says why.
        TTAUncertaintyError
            With `waitForCompletion`, if the run failed.
        """
        base = RunChoices() if parameters is None else RunChoices.of(parameters)
        chosen = base.changed(**choices)
        reason = self.reasonNotToRun(chosen)
        if reason:
            raise InputError(reason)
        self.run = runs.RunController(chosen, self.machine, output, showPreview)
        self.run.observe(onState, onPreview, onFinished)
        if waitForCompletion:
            state = self.run.wait()
            if state.phase is Phase.FAILED:
                raise WorkerError(state.problem, state.remedy)
        return self.run

    def cancel(self) -> None:
        """End the run that is under way and keep nothing; returns at once."""
        controller = active.running()
        if controller is not None:
            controller.cancel()

    def stopAndKeep(self) -> None:
        """End the run that is under way with what has been computed; returns at once."""
        controller = active.running()
        if controller is not None:
            controller.stopAndKeep()

    def close(self) -> None:
        """End the run that this logic started, if it still goes on; blocks up to five seconds."""
        self.torchCheck.close()
        if self.run is not None:
            self.run.close()

    def installTorch(self) -> bool:
        """Install PyTorch through the PyTorch extension, which asks first. For a click only.

        Returns False if the person declined; raises ResourceError if it failed.
        """
        try:
            return requirements.install_torch()
        finally:
            self.torchCheck.forget()

    def downloadWeights(self, model: str) -> Download:
        """Begin to download a model's weights in the background. For a click only.

        Look at its `state` from a timer; at its end the weights are installed, or the state says
        what went wrong.
        """
        return self.weightsStore.download(model)

    def results(self) -> list[Any]:
        """The results in the scene, as `ResultNodes`."""
        return list(results.results_in(Stage.current().scene))

    def loadResult(self, folder: Path | str, fixed: Any = None, moving: Any = None) -> Any:
        """Load a result folder into the scene.

        Parameters
        ----------
        fixed, moving
            The volumes in the scene that it belongs to, where they are known.

        Returns
        -------
        ResultNodes

        Raises
        ------
        InputError
            If it is not a result folder, or is damaged; nothing is left half loaded.
        """
        intensities = None if fixed is None else seen(fixed)[0]
        return ResultReading(folder, intensities).load(Stage.current(), fixed, moving)

    def keptRegistrations(self, result: Any) -> KeptRegistrations | None:
        """The perturbed registrations that a result kept; None if it kept none or they are gone.

        They lie in the result's folder and not in the scene, since they may be gigabytes.
        """
        folder = folder_of(result)
        if folder is None:
            return None
        try:
            return KeptRegistrations.open(Bundle.open(folder))
        except InputError:
            return None

    def saveResult(self, result: Any, folder: Path | str) -> Path:
        """Copy the files of a result to a folder of the person's choice.

        Raises
        ------
        InputError
            If the result's files are gone.
        OutputError
            If they cannot be written there whole; nothing is left behind then.
        """
        return save_result(result, Path(folder))

    def exportReview(
        self,
        result: Any,
        folder: Path | str,
        pictures: Sequence[Picture] | Mapping[str, bytes] = (),
        parameters: Any = None,
    ) -> Path:
        """Write the review of a result: tables as CSV, and a report in HTML, which is returned.

        Parameters
        ----------
        result
            `ResultNodes`.
        folder
            Made where it is absent; what an earlier review left there is replaced.
        pictures
            Of the views: `Picture` objects, or PNG files by their caption.
        parameters
            Names the structures and the landmark lists; the scene's parameter node if not given.

        Raises
        ------
        InputError
            If the stored review, the structures or the landmarks cannot be used.
        OutputError
            If it cannot be written there.
        """
        chosen = self.getParameterNode() if parameters is None else parameters
        if isinstance(pictures, Mapping):
            pictures = [Picture(caption, png) for caption, png in pictures.items()]
        content = review_content(Stage.current(), result, chosen, pictures)
        return write_review(Path(folder), content())


def review_content(
    stage: Stage, result: Any, parameters: Any, pictures: Sequence[Picture] = ()
) -> Callable[[], ReviewContent]:
    """Gather from the scene what a report shows, and return what computes the rest of it."""
    node = parameters.structures
    lists = (parameters.landmarksFixed, parameters.landmarksMoving)
    placed = all(one is not None and one.GetNumberOfControlPoints() for one in lists)
    return content_search(
        result,
        None if node is None else structures_on(stage, node, result.warped),
        measure_landmarks(result, *lists) if placed else (),
        pictures,
        parameters.toleranceMm if parameters.toleranceMm > 0 else None,
        parameters.hotSpotThresholdMm if parameters.hotSpotThresholdMm > 0 else None,
    )
