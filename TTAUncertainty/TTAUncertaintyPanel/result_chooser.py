"""Which result is shown: one of the scene's, or one from the disk; and where a copy of it goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from TTAUncertaintyLib.background_work import BackgroundWork
from TTAUncertaintyLib.cohort.work_list import is_study
from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.results.calibration_status import calibration_words
from TTAUncertaintyLib.results.naming import judged, suspicions

from .opening import Opening
from .saving import copying_of
from .steps import Steps, Work
from .timers import after


class ResultChooser(VTKObservationMixin):
    """The line with the results, and the buttons beside it."""

    def __init__(self, ui: Any, host: Any) -> None:
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._host = host
        self._steps = Steps(self._failed)
        self._combo = ui.resultCombo
        self._combo.connect("activated(int)", self._chosen)
        ui.openResultButton.clicked.connect(lambda _checked=False: self.open())
        ui.saveResultButton.clicked.connect(lambda _checked=False: self.save())
        ui.noMapLabel.linkActivated.connect(lambda _link="": self.open())
        # many nodes come and go at once: the list follows when all of them have
        self._later = after(0, self.follow)
        scene = slicer.mrmlScene
        for event in (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent):
            self.addObserver(scene, event, lambda *_: self._later.start())

    def refresh(self) -> None:
        """Show the results that the scene has now."""
        shown = self._host.result
        self._combo.clear()
        for result in self._host.logic.results():
            self._combo.addItem(result.title, result.node.GetID())
        row = -1 if shown is None else self._combo.findData(shown.node.GetID())
        self._combo.setCurrentIndex(row)
        self._ui.saveResultButton.enabled = shown is not None
        self._ui.resultLabel.text = "" if shown is None else summary_of(shown.record)

    def follow(self) -> None:
        """Follow the scene: where none of its results is shown, the latest one is."""
        if self._host.parameters is None:
            return
        results = self._host.logic.results()
        if self._host.result is None and results:
            self._host.setResult(results[-1])
        elif [result.title for result in results] != self._titles():
            self.refresh()

    def close(self) -> None:
        """Let go of the scene."""
        self._later.stop()
        self._steps.cancel()
        self.removeObservers()

    def open(self) -> None:
        """Ask for a result folder and show it; that of a study becomes the work list."""
        title = _("Open the folder of a result, or of a study")
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if not folder:
            return
        if is_study(Path(folder)):
            self._host.openStudy(Path(folder))
            return
        opening = Opening(Path(folder)).steps(self._host.stage)
        self._begin(opening, self._host.setResult, _("Opening the result…"))

    def save(self) -> None:
        """Ask for a place and copy the shown result's folder there."""
        result = self._host.result
        if result is None:
            return
        title = _("Copy the result's folder to")
        chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if not chosen:
            return
        copying = self._copying(result, free_folder(Path(chosen), result.title))
        self._begin(copying, self._copied, _("Copying the result…"))

    def cancel(self) -> None:
        """End what goes on, opening or copying."""
        if self._steps.busy:
            self._steps.cancel()
            self._host.clearMessage()

    def _begin(self, work: Work, onDone: Callable[[Any], None], said: str) -> None:
        def done(made: Any) -> None:
            self._host.clearMessage()
            onDone(made)

        self._host.showBusy(said, self.cancel)
        self._steps.begin(work, done)

    def _copying(self, result: Any, folder: Path) -> Work:
        copying = BackgroundWork(copying_of(result, folder))
        yield copying
        return copying.take()

    def _copied(self, folder: Path) -> None:
        self._ui.resultLabel.text = _("Copied to {folder}.").format(folder=folder)

    def _failed(self, error: TTAUncertaintyError) -> None:
        self._host.showProblem(error.problem, error.remedy)

    def _chosen(self, row: int) -> None:
        identity = self._combo.itemData(row)
        for result in self._host.logic.results():
            if result.node.GetID() == identity:
                self._host.setResult(result)

    def _titles(self) -> list[str]:
        return [self._combo.itemText(row) for row in range(self._combo.count)]


def free_folder(chosen: Path, title: str) -> Path:
    """Return a new folder for a result in the one that was chosen; that one itself if empty."""
    if not chosen.is_dir() or not any(chosen.iterdir()):
        return chosen
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]+', "_", title).strip(" .") or "result"
    found, number = chosen / name, 1
    while found.exists():
        number += 1
        found = chosen / f"{name} ({number})"
    return found


def summary_of(record: dict[str, Any]) -> str:
    """Return in a line or two how a result was made."""
    passes, design = record["passes"], record["design"]
    known = record.get("convergence") or {}
    if known.get("stopped_by_itself"):
        made = _("converged after {done} of {asked} perturbed passes").format(**passes)
    elif record["complete"]:
        made = _("{done} perturbed passes").format(done=passes["done"])
    else:
        made = _("stopped after {done} of {asked} perturbed passes").format(**passes)
    words = _("{model}; {design}, {made}.").format(
        model=judged(record), design=design["name"], made=made
    )
    words = " ".join(filter(None, (words, suspicions(record))))
    if not record.get("calibrated") and record.get("audit"):
        return words + " " + _("Not calibrated: a disagreement, and no error of either.")
    if not record.get("calibrated"):
        return words + " " + _("Not calibrated: a spread, not a distance from the truth.")
    said = calibration_words(record)
    return (
        words
        + " "
        + _("{how}: only the maps of errors are errors.").format(how=said[:1].upper() + said[1:])
    )
