"""What is said of a model and its weights, and how missing weights get here: download or file."""

from __future__ import annotations

import html
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.models import MODELS

from . import words
from .look import small_print

#: Milliseconds between two looks at a download.
_INTERVAL_MS = 200


class WeightsRow:
    """The lines under the list of models.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._download: Any = None
        self._downloading = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._look)
        for label in (ui.modelLabel, ui.weightsLabel):
            small_print(label)
        ui.modelLabel.textFormat = qt.Qt.RichText
        ui.modelLabel.setTextInteractionFlags(qt.Qt.LinksAccessibleByMouse)
        ui.modelLabel.openExternalLinks = False
        ui.modelLabel.connect("linkActivated(QString)", self._onLink)
        ui.weightsButton.connect("clicked()", self.choose)
        ui.downloadButton.connect("clicked()", self._onDownload)

    def show(self, model: str) -> None:
        """Show what a model is for, its licence, and whether its weights are there."""
        ui = self._ui
        entry = MODELS.get(model)
        if entry is None:
            ui.modelLabel.text = ""
            ui.weightsRow.visible = False
            return
        weights = self._host.logic.weights(model)
        facts = entry.description
        lines = [html.escape(_(facts.purpose)), self._facts(facts, weights)]
        ui.modelLabel.text = "<br>".join(lines)
        downloading = self._download is not None and self._downloading == model
        ui.weightsRow.visible = not weights.installed
        ui.downloadButton.visible = downloading or self._host.logic.canDownloadWeights(model)
        ui.weightsButton.visible = not downloading
        if not downloading:
            ui.downloadButton.text = _("Download weights")
            ui.downloadButton.enabled = self._download is None
            ui.weightsLabel.text = ""

    def choose(self) -> None:
        """Ask for a weights file for the chosen model."""
        title = _("Weights of {title}").format(title=MODELS[self._model].description.title)
        kinds = _("Weights (*.safetensors *.pth *.pt);;All files (*)")
        file = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", kinds)
        if file:
            self._use(self._model, file)

    def close(self) -> None:
        """Stop a download."""
        self._timer.stop()
        if self._download is not None:
            self._download.cancel()
        self._download = None

    @property
    def _model(self) -> str:
        return str(self._host.parameters.model)

    def _facts(self, facts: Any, weights: Any) -> str:
        """Return licence and weights in a line, with a link to what can be done."""
        choose, bundled = '<a href="choose">', '<a href="bundled">'
        if not weights.installed:
            said = _("Weights: not on this computer yet.")
        elif weights.bundled and self._host.logic.machine.weightsFile(weights.model) is None:
            said = _("Weights: included, {size} ({link}use others</a>).")
        elif weights.bundled:
            said = _("Weights: {name}, {size} ({bundled}use the included ones</a>).")
        else:
            said = _("Weights: {name}, {size} ({link}use others</a>).")
        said = said.format(
            name=html.escape(weights.file.name if weights.file else ""),
            size=words.megabytes(weights.size_mb),
            link=choose,
            bundled=bundled,
        )
        return _("Licence: {licence}.").format(licence=html.escape(facts.licence)) + " " + said

    def _onLink(self, link: str) -> None:
        if link == "choose":
            self.choose()
        else:
            self._use(self._model, None)

    def _use(self, model: str, file: Any) -> None:
        self._host.logic.machine.setWeightsFile(model, file)
        self._host.settingsChanged()

    def _onDownload(self) -> None:
        if self._download is not None:
            self._download.cancel()
            return
        self._downloading = self._model
        self._download = self._host.logic.downloadWeights(self._downloading)
        self._ui.downloadButton.text = _("Stop the download")
        self.show(self._downloading)
        self._timer.start()
        self._look()

    def _look(self) -> None:
        """See how far the download is."""
        download = self._download
        done, total = download.done_bytes / 1e6, download.total_bytes / 1e6
        if total:
            said = _("{done:.1f} of {total:.1f} MB").format(done=done, total=total)
        else:
            said = _("{done:.1f} MB").format(done=done)
        self._ui.weightsLabel.text = said
        if not download.ended:
            return
        self._timer.stop()
        self._download = None
        if download.file is not None:
            self._use(self._downloading, download.file)
            return
        if download.problem:
            self._host.showProblem(download.problem)
        self._host.settingsChanged()
