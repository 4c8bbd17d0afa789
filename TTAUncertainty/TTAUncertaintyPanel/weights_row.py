"""What is said of a model and its weights, and how missing weights get here: download or file."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.model_controls import ModelControls
from TTAUncertaintyLib.controls.model_view import DOWNLOAD, INSTALL, ModelView
from TTAUncertaintyLib.controls.option import Phrase
from TTAUncertaintyLib.models.offers import are_brains
from TTAUncertaintyLib.scene.inputs import shows_brain
from TTAUncertaintyLib.store import Download, Weights, WeightsStore

from . import timers
from .look import linked, small_print


class WeightsRow:
    """The lines under the list of models: the `ModelScreen` of the panel."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._controls = ModelControls(self, timers)
        self._buttons = {DOWNLOAD.value: ui.downloadButton, INSTALL.value: ui.weightsButton}
        for what, button in self._buttons.items():
            button.connect("clicked()", lambda what=what: self._controls.do(what))
        small_print(ui.weightsLabel)
        linked(ui.modelLabel, self._controls.do)
        self.refresh, self.close = self._controls.show, self._controls.close

    # what the controls ask

    @property
    def model(self) -> str:
        """The model that is chosen."""
        return str(self._host.parameters.model)

    @property
    def store(self) -> WeightsStore:
        """The weights on this computer."""
        return self._host.logic.weightsStore

    def brains(self) -> bool | None:
        """Return whether both images show a brain alone; None as long as there are no two."""
        chosen = self._host.parameters
        return are_brains(map(shows_brain, (chosen.fixedVolume, chosen.movingVolume)))

    def weights(self) -> Weights:
        """Return the weights of the model that is chosen."""
        return self._host.logic.weights(self.model)

    def download(self) -> Download:
        """Begin to download them."""
        return self._host.logic.downloadWeights(self.model)

    def show(self, view: ModelView) -> None:
        """Write into the widgets."""
        ui = self._ui
        lines = [" ".join(phrase.said(_, html.escape) for phrase in line) for line in view.lines]
        ui.modelLabel.text = "<br>".join(lines)
        ui.modelLabel.toolTip = view.citation.said(_)
        shown = {option.value: option for option in view.buttons}
        for what, button in self._buttons.items():
            option = shown.get(what)
            button.visible = option is not None
            if option is not None:
                button.text = _(option.title)
                button.toolTip = _(option.about)
                button.enabled = not option.why_not
        ui.weightsLabel.text = view.doing.said(_)
        ui.weightsRow.visible = bool(shown) or bool(view.doing)

    def file(self, title: Phrase, what: str, kinds: str) -> Path | None:
        """Ask for a file; None if the person does not choose one."""
        filters = f"{_(what)} ({kinds})" + (_(";;All files (*)") if what == "Weights" else "")
        window = slicer.util.mainWindow()
        chosen = qt.QFileDialog.getOpenFileName(window, title.said(_), "", filters)
        return Path(chosen) if chosen else None

    def agrees(self, question: Phrase) -> bool:
        """Ask, and return whether the person agrees."""
        return bool(slicer.util.confirmYesNoDisplay(question.said(_)))

    def inform(self, said: Phrase) -> None:
        """Say something that the person waits for."""
        slicer.util.infoDisplay(said.said(_))

    def say_problem(self, problem: Phrase, remedy: Phrase) -> None:
        """Say what went wrong and what to do."""
        self._host.showProblem(problem.said(_), remedy.said(_))

    def clear(self) -> None:
        """Take away what was said of an earlier attempt."""
        self._host.clearMessage()

    def use_file(self, file: Path | None) -> None:
        """Take a file instead of the model's own weights; None goes back to those."""
        self._host.logic.machine.setWeightsFile(self.model, file)
        self._host.settingsChanged()

    def take(self, model: str) -> None:
        """Choose a model, which may be new."""
        self._host.settingsChanged()
        self._host.choose(model=model)

    def follow(self) -> None:
        """Something changed on this computer: bring everything in line with it."""
        self._host.settingsChanged()
