"""What is said of a model and its weights, and how missing weights get here: download or file."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.background_work import BackgroundWork
from TTAUncertaintyLib.errors import ConsentNeeded
from TTAUncertaintyLib.humanize import about
from TTAUncertaintyLib.models import models
from TTAUncertaintyLib.store import DownloadPhase, Source, Verification, Weights

from . import words
from .look import small_print
from .timers import every

#: Milliseconds between two looks at what goes on in the background.
_INTERVAL_MS = 200


class WeightsRow:
    """The lines under the list of models.

    Parameters
    ----------
    ui, host
        See `widget`.
    modelsChanged
        Called when the list of models is another.
    """

    def __init__(self, ui: Any, host: Any, modelsChanged: Callable[[], None]) -> None:
        self._ui = ui
        self._host = host
        self._modelsChanged = modelsChanged
        self._download: Any = None
        self._work: BackgroundWork[Any] | None = None
        self._whenDone: Callable[[Any], None] = lambda _result: None
        self._busyWith = ""  # the model that the download or the work is for
        self._timer = every(_INTERVAL_MS, self._look)
        for label in (ui.modelLabel, ui.weightsLabel):
            small_print(label)
        ui.modelLabel.textFormat = qt.Qt.RichText
        ui.modelLabel.setTextInteractionFlags(qt.Qt.LinksAccessibleByMouse)
        ui.modelLabel.openExternalLinks = False
        ui.modelLabel.connect("linkActivated(QString)", self._onLink)
        ui.weightsButton.connect("clicked()", self.installFromFile)
        ui.downloadButton.connect("clicked()", self._onDownload)

    def show(self, model: str) -> None:
        """Show what a model is for, its licence, and whether its weights are there."""
        ui = self._ui
        entry = models().get(model)
        if entry is None:
            ui.modelLabel.text = ""
            ui.weightsRow.visible = False
            return
        weights = self._host.logic.weights(model)
        about = entry.description
        licence = _("Licence: {licence}.").format(licence=html.escape(about.licence.rstrip(".")))
        cite = _("Cite: {citation}").format(citation=html.escape(about.citation))
        lines = [html.escape(_(about.purpose)), licence + " " + self._weights(weights)]
        if weights.source is Source.ABSENT:  # whoever is about to get them should know
            lines.insert(1, cite)
        ui.modelLabel.text = "<br>".join(lines)
        ui.modelLabel.toolTip = cite
        busy = self._busy and self._busyWith == model
        downloading = busy and self._download is not None
        missing = not weights.installed and weights.source is not Source.BUNDLED
        ui.weightsRow.visible = missing or busy
        ui.downloadButton.visible = downloading or (
            not busy and self._host.logic.canDownloadWeights(model)
        )
        ui.weightsButton.visible = not busy
        ui.weightsButton.enabled = not self._busy
        if not downloading:
            ui.downloadButton.text = _("Download weights")
            ui.downloadButton.enabled = not self._busy
        if not busy:
            ui.weightsLabel.text = ""

    def installFromFile(self) -> None:
        """Ask for the published file of the chosen model, and install it."""
        model = self._model
        file = self._askForFile(_("Weights of {title}"), "(*.safetensors *.pth *.pt *.trch *.h5)")
        if file is not None:
            store = self._host.logic.weightsStore
            self._begin(
                model,
                _("Checking the file…"),
                lambda: store.install_file(model, file),
                lambda _installed: self._host.settingsChanged(),
            )

    def close(self) -> None:
        """Stop a download; what has come is kept."""
        self._timer.stop()
        if self._download is not None:
            self._download.cancel()
        self._download = self._work = None

    @property
    def _model(self) -> str:
        return str(self._host.parameters.model)

    @property
    def _busy(self) -> bool:
        return self._download is not None or self._work is not None

    def _weights(self, weights: Weights) -> str:
        """Return a line about the weights, with links to what can be done."""
        size = words.megabytes(weights.size_mb)
        name = html.escape(weights.file.name if weights.file else "")
        own, other = '<a href="own">', '<a href="choose">'
        if weights.source is Source.NONE:
            said = _("It has no weights.")
        elif weights.source is Source.BUNDLED:
            said = _("Weights: included, {size} ({other}use a file instead</a>).")
        elif weights.source is Source.CHOSEN:
            said = _("Weights: the file {name}, {size} ({own}use the model's own</a>).")
        elif weights.source in (Source.INSTALLED, Source.OWN):
            said = _(
                'Weights: installed, {size} (<a href="verify">verify</a>, '
                '<a href="remove">remove</a>).'
            )
            if weights.source is Source.INSTALLED:
                said = said[:-2] + _(", {other}use a file instead</a>).")
            if weights.record is not None and not weights.record.checked:
                said += " " + _("Not looked into yet: PyTorch was not installed.")
        else:
            said = _("Weights: not on this computer yet ({other}use a file for now</a>).")
        said = said.format(size=size, name=name, own=own, other=other)
        return said + " " + _('<a href="add">Add a network of your own…</a>')

    def _onLink(self, link: str) -> None:
        if link == "choose":
            file = self._askForFile(_("Weights of {title}"), "(*.safetensors *.pth *.pt *.trch)")
            if file is not None:
                self._use(file)
        elif link == "own":
            self._use(None)
        elif link == "verify":
            self._verify()
        elif link == "remove":
            self._remove()
        elif link == "add":
            self._add()

    def _use(self, file: Path | None) -> None:
        self._host.logic.machine.setWeightsFile(self._model, file)
        self._host.settingsChanged()

    def _askForFile(self, title: str, kinds: str) -> Path | None:
        entry = models().get(self._model)
        title = title.format(title=entry.description.title if entry else "")
        filters = _("Weights {kinds};;All files (*)").format(kinds=kinds)
        file = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", filters)
        return Path(file) if file else None

    # -- what takes seconds ---------------------------------------------------------------------

    def _begin(
        self, model: str, said: str, work: Callable[[], Any], whenDone: Callable[[Any], None]
    ) -> None:
        if self._busy:
            return
        self._host.clearMessage()
        self._busyWith = model
        self._whenDone = whenDone
        self._work = BackgroundWork(work)
        self._ui.weightsLabel.text = said
        self.show(self._model)
        self._timer.start()

    def _verify(self) -> None:
        model, store = self._model, self._host.logic.weightsStore

        def whenDone(found: Verification) -> None:
            if found is Verification.INTACT:
                slicer.util.infoDisplay(_("The installed weights are what was installed."))
            else:
                self._host.showProblem(
                    _("The installed weights are not what was installed: {found}.").format(
                        found=found.value
                    ),
                    _("Remove them and install them again."),
                )

        self._begin(model, _("Verifying…"), lambda: store.verify(model), whenDone)

    def _remove(self) -> None:
        model = self._model
        title = models()[model].description.title
        question = _("Remove the installed weights of {title}?").format(title=title)
        if not slicer.util.confirmYesNoDisplay(question):
            return
        store = self._host.logic.weightsStore

        def whenDone(_freed: int) -> None:
            self._modelsChanged()
            self._host.settingsChanged()

        self._begin(model, _("Removing…"), lambda: store.remove(model), whenDone)

    def _add(self) -> None:
        """Ask for the manifest of a network of the person's own, and install it."""
        title, kinds = _("A network of your own"), _("Manifests (*.json)")
        file = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", kinds)
        if file:
            self._install(Path(file), False)

    def _install(self, manifest: Path, agreed: bool) -> None:
        store = self._host.logic.weightsStore

        def work() -> Any:
            try:
                return store.install_own(manifest, agreed)
            except ConsentNeeded as question:
                return question

        def whenDone(found: Any) -> None:
            if not isinstance(found, ConsentNeeded):
                self._modelsChanged()
                self._host.parameters.model = found.record.model
                self._host.settingsChanged()
                return
            question = _(
                "{file} is a program. It runs with all that you may do on this computer, and "
                "nobody has checked it. SHA-256: {sha256}\n\nInstall it, and run it when the "
                "network is used?"
            ).format(file=found.file, sha256=found.sha256)
            if slicer.util.confirmYesNoDisplay(question, _("A network of your own")):
                self._install(manifest, True)

        self._begin(self._model, _("Checking the network…"), work, whenDone)

    def _onDownload(self) -> None:
        if self._download is not None:
            self._download.cancel()
            return
        self._host.clearMessage()
        self._busyWith = self._model
        self._download = self._host.logic.downloadWeights(self._busyWith)
        self._ui.downloadButton.text = _("Stop the download")
        self.show(self._busyWith)
        self._timer.start()
        self._look()

    def _look(self) -> None:
        """See how far it is."""
        if self._work is not None:
            self._lookAtWork(self._work)
        elif self._download is not None:
            self._lookAtDownload(self._download.state)

    def _lookAtWork(self, work: BackgroundWork[Any]) -> None:
        if not work.ended:
            return
        self._timer.stop()
        self._work = None
        if work.error is not None:
            self._host.showProblem(work.error.problem, work.error.remedy)
            self._host.settingsChanged()
        else:
            self._whenDone(work.result)
        self.show(self._model)

    def _lookAtDownload(self, state: Any) -> None:
        said = _("{done:.1f} MB").format(done=state.done_bytes / 1e6)
        if state.phase is DownloadPhase.CHECKING:
            said = _("Checking what came…")
        elif state.total_bytes:
            said = _("{done:.1f} of {total:.1f} MB").format(
                done=state.done_bytes / 1e6, total=state.total_bytes / 1e6
            )
            if state.seconds_left is not None:
                said += ", " + _("{time} left").format(time=about(state.seconds_left))
        self._ui.weightsLabel.text = said
        self._ui.downloadButton.enabled = state.phase is DownloadPhase.DOWNLOADING
        if not state.phase.is_end:
            return
        self._timer.stop()
        self._download = None
        if state.phase is DownloadPhase.FAILED:
            self._host.showProblem(state.problem, state.remedy)
        self._host.settingsChanged()
        if state.phase is DownloadPhase.STOPPED and state.done_bytes:
            self._ui.weightsLabel.text = _("Stopped; the next download goes on from there.")
