"""The section Inputs: the pair of volumes, the model, the preset, and what is optional."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from TTAUncertaintyLib.controls.control import Place, rows_of
from TTAUncertaintyLib.controls.model_options import option_rows, with_option
from TTAUncertaintyLib.controls.model_view import model_options
from TTAUncertaintyLib.controls.option import Phrase
from TTAUncertaintyLib.controls.run_choices import RunChoices, passes, preset_words
from TTAUncertaintyLib.controls.run_options import PRESETS
from TTAUncertaintyLib.controls.run_view import passes as passes_said
from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.humanize import about as about_time
from TTAUncertaintyLib.scene.inputs import problem_with
from TTAUncertaintyLib.scene.made_by_runs import made_by_runs
from TTAUncertaintyLib.scene.slices import Layers, fit, set_layers

from .bindings import ListBinding
from .forms import Form
from .look import small_print
from .pace import Pace
from .samples import load_sample_pair
from .timers import after
from .weights_row import WeightsRow


class InputsSection(VTKObservationMixin):
    """What is registered, with what, and how thoroughly.

    The selectors of the two volumes are tied to the parameter node by the form itself.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._host = host
        self._pace = Pace(host.logic.machine)
        self._weights = WeightsRow(ui, host)
        self._models = ListBinding(ui.modelCombo, "model", self._choose, model_options())
        self._preset = ListBinding(ui.presetCombo, "preset", self._choose, PRESETS)
        self._options = Form(ui.optionsRow, self._onOption)
        self._optional = Form(ui.inputsRows, self._choose, ui)
        self._optional.show(rows_of(RunChoices, (Place.INPUTS,), RunChoices()))
        small_print(ui.presetLabel)
        ui.swapButton.connect("clicked()", self._swap)
        ui.emptyLabel.connect("linkActivated(QString)", self._onLink)
        # a volume's node is there before its voxels, and files are loaded several at once
        self._later = after(0, self._onVolumes)
        for event in (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent):
            self.addObserver(slicer.mrmlScene, event, self._onNodes)

    def enter(self) -> None:
        """Choose for the person what is not chosen yet."""
        self._onVolumes()

    def onParametersChanged(self) -> None:
        """Show the choices."""
        parameters = self._host.parameters
        if parameters is None:
            return
        choices = RunChoices.of(parameters)
        pair = choices.fixedVolume, choices.movingVolume
        self._ui.swapButton.enabled = any(volume is not None for volume in pair)
        self._models.set_options(model_options())  # the person's own come and go
        self._models.show(choices.model)
        self._weights.refresh()
        options = option_rows(choices.model, choices.modelOptions)
        self._options.show(options)
        self._ui.optionsRow.visible = bool(options)
        self._preset.show(choices.preset)
        self._optional.show(rows_of(RunChoices, (Place.INPUTS,), choices))
        self._ui.presetLabel.text = preset_words(choices, self._cost(choices)).said(_)

    def onSceneClosed(self) -> None:
        """There are no volumes any more."""
        self._later.start()

    def cleanup(self) -> None:
        """Let go of the scene, and stop a download."""
        self._later.stop()
        self._weights.close()
        self.removeObservers()

    def _cost(self, choices: RunChoices) -> Phrase | None:
        """Return what a run costs, where it is known how long it takes here."""
        count = passes(choices)
        seconds = self._pace.seconds(choices.model, count)
        if seconds is None:
            return None
        said = {"passes": passes_said(count), "time": about_time(seconds)}
        return Phrase("{passes}, about {time} on this computer", said)

    def _choose(self, name: str, value: Any) -> None:
        self._host.choose(**{name: value})

    def _onOption(self, name: str, value: str) -> None:
        parameters = self._host.parameters
        if parameters is not None:
            kept = with_option(parameters.modelOptions, parameters.model, name, value)
            parameters.modelOptions = kept

    def _swap(self) -> None:
        parameters = self._host.parameters
        fixed, moving = parameters.fixedVolume, parameters.movingVolume
        self._host.choose(fixedVolume=moving, movingVolume=fixed)

    def _onLink(self, link: str) -> None:
        """Load a bundled pair: "sample:reference", "sample:lesion" or "sample:lung"."""
        self._host.clearMessage()
        try:
            with slicer.util.WaitCursor():
                pair = load_sample_pair(link.partition(":")[2])
        except (TTAUncertaintyError, RuntimeError, OSError) as error:
            self._host.showProblem(
                _("The sample images could not be loaded ({problem}).").format(problem=error),
                _("Install the extension TTAUncertainty again, or load images of your own."),
            )
            return
        self._host.choose(fixedVolume=pair[0], movingVolume=pair[1])
        set_layers(self._host.stage, Layers(*pair))
        fit(self._host.stage, pair[0])

    def _onNodes(self, *_event: object) -> None:
        self._later.start()

    def _onVolumes(self) -> None:
        """Follow the volumes of the scene."""
        parameters = self._host.parameters
        count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        self._ui.emptyLabel.visible = count == 0
        if parameters is None or not self._host.entered:
            return
        chosen = (parameters.fixedVolume, parameters.movingVolume)
        better = first_choices(slicer.mrmlScene, *chosen)
        if better != chosen:
            self._host.choose(fixedVolume=better[0], movingVolume=better[1])
        elif count:
            self._host.settingsChanged()  # voxels may have come since the reason was last asked


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
