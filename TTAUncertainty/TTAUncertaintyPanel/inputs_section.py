"""The section Inputs: the pair of volumes, the model, the preset, and what is optional."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from TTAUncertaintyLib.controls.option import Option
from TTAUncertaintyLib.controls.run_options import PRESETS
from TTAUncertaintyLib.controls.run_view import passes as passes_said
from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.humanize import about as about_time
from TTAUncertaintyLib.models import models
from TTAUncertaintyLib.scene.slices import Layers, fit, set_layers

from .bindings import ListBinding, NodeBinding
from .design import fill_from_preset, passes
from .first_choices import first_choices
from .look import small_print
from .options_row import OptionsRow
from .pace import Pace
from .samples import load_sample_pair
from .timers import after
from .weights_row import WeightsRow


class InputsSection(VTKObservationMixin):
    """What is registered, with what, and how thoroughly.

    The selectors of the two volumes are tied to the parameter node by the form itself.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._host = host
        self._pace = Pace(host.logic.machine)
        self._weights = WeightsRow(ui, host, self._listModels)
        self._options = OptionsRow(ui, host)
        self._models = ListBinding(ui.modelCombo, "model", self._onDesign)
        self._listModels()
        self._bindings = [
            self._models,
            ListBinding(ui.presetCombo, "preset", self._onDesign, PRESETS),
            NodeBinding(ui.structuresSelector, "structures", self._onChosen),
            NodeBinding(ui.initialTransformSelector, "initialTransform", self._onChosen),
        ]
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
        for binding in self._bindings:
            binding.show(getattr(parameters, binding.name))
        self._ui.swapButton.enabled = (
            parameters.fixedVolume is not None or parameters.movingVolume is not None
        )
        self._weights.show(parameters.model)
        self._options.show(parameters.model)
        self._ui.presetLabel.text = self._preset(parameters)

    def _listModels(self) -> None:
        """Offer the models there are now: the person's own come and go."""
        self._models.set_options(
            [
                Option(name, entry.description.title, entry.description.purpose)
                for name, entry in models().items()
            ]
        )
        if self._host.parameters is not None:
            self._models.show(self._host.parameters.model)

    def onSceneClosed(self) -> None:
        """There are no volumes any more."""
        self._later.start()

    def cleanup(self) -> None:
        """Let go of the scene, and stop a download."""
        self._later.stop()
        self._weights.close()
        self.removeObservers()

    def _preset(self, parameters: Any) -> str:
        """Return what the preset does and costs, in a sentence or two."""
        preset = next((one for one in PRESETS if one.value == parameters.preset), None)
        if parameters.customise:
            title = parameters.preset if preset is None else _(preset.title)
            about = _("{preset}, changed under Advanced.").format(preset=title)
        else:
            about = "" if preset is None else _(preset.about)
        count = passes(parameters)
        if not count:
            return about
        seconds = self._pace.seconds(parameters.model, count)
        cost = passes_said(count).said(_)
        if seconds is not None:
            cost = _("{passes}, about {time} on this computer").format(
                passes=cost, time=about_time(seconds)
            )
        return f"{about} {cost}."

    def _onChosen(self, name: str, value: Any) -> None:
        if self._host.parameters is not None:
            setattr(self._host.parameters, name, value)

    def _onDesign(self, name: str, value: str) -> None:
        """Take a preset, or a model, with the numbers that go with it."""
        parameters = self._host.parameters
        if parameters is None:
            return
        modifying = parameters.StartModify()
        try:
            setattr(parameters, name, value)
            if name == "preset" or not parameters.customise:
                fill_from_preset(parameters)
        finally:
            parameters.EndModify(modifying)

    def _swap(self) -> None:
        parameters = self._host.parameters
        modifying = parameters.StartModify()
        try:
            fixed, moving = parameters.fixedVolume, parameters.movingVolume
            parameters.fixedVolume, parameters.movingVolume = moving, fixed
        finally:
            parameters.EndModify(modifying)

    def _onLink(self, link: str) -> None:
        """Load a bundled pair: "sample:reference" or "sample:lesion"."""
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
        self._host.parameters.fixedVolume, self._host.parameters.movingVolume = pair
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
            modifying = parameters.StartModify()
            try:
                parameters.fixedVolume, parameters.movingVolume = better
            finally:
                parameters.EndModify(modifying)
        elif count:
            self._host.settingsChanged()  # voxels may have come since the reason was last asked
