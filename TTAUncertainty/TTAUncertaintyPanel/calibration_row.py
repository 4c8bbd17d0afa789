"""Which calibration a run uses: the one that comes with the software, or a file."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.calibration import read_calibration
from TTAUncertaintyLib.errors import InputError

from .look import linked


class CalibrationRow:
    """The line about the calibration, under Advanced."""

    def __init__(self, ui: Any, host: Any) -> None:
        self._host = host
        self._label = ui.calibrationLabel
        linked(self._label, self._onLink)

    def show(self) -> None:
        """Show what the next run of the chosen model will use."""
        file = self._host.logic.machine.calibrationFile(self._model)
        if file is None:
            self._label.text = _(
                "Expected error: with the calibration that comes with this model and design, "
                'where there is one (<a href="choose">use a file instead</a>).'
            )
            self._label.toolTip = ""
            return
        self._label.text = _(
            'Expected error: with {name} (<a href="choose">another file</a>, '
            '<a href="own">the one that comes with the model</a>).'
        ).format(name=html.escape(file.name))
        self._label.toolTip = str(file)

    def choose(self) -> None:
        """Ask for a calibration file; one that is not of the chosen model is refused at once."""
        title, kinds = _("A calibration"), _("Calibrations (*.json);;All files (*)")
        chosen = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", kinds)
        if not chosen:
            return
        self._host.clearMessage()
        try:
            calibration = read_calibration(Path(chosen))
        except InputError as error:
            self._host.showProblem(error.problem, error.remedy)
            return
        if calibration.model != self._model:
            self._host.showProblem(
                _("{file} is a calibration of {other}, not of {model}.").format(
                    file=chosen, other=calibration.model, model=self._model
                ),
                _("Choose its model first, or another file."),
            )
            return
        self._use(Path(chosen))

    @property
    def _model(self) -> str:
        return str(self._host.parameters.model)

    def _onLink(self, link: str) -> None:
        if link == "choose":
            self.choose()
        elif link == "own":
            self._use(None)

    def _use(self, file: Path | None) -> None:
        self._host.logic.machine.setCalibrationFile(self._model, file)
        self._host.settingsChanged()
        self.show()
