"""The choices that belong to the machine and its person: in Slicer's settings, not in scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer

from TTAUncertaintyLib.controls.control import controls_of
from TTAUncertaintyLib.controls.machine_choices import MachineChoices, kept

PREFIX = "TTAUncertainty/"


def _setting(name: str) -> property:
    def read(self: Any) -> Any:
        return kept(name, self._settings.value(PREFIX + name, None))

    def write(self: Any, value: Any) -> None:
        self._write(name, str(value) if isinstance(value, Path) else value)

    return property(read, write)


_Settings = type("_Settings", (), {name: _setting(name) for name in controls_of(MachineChoices)})


class MachineSettings(_Settings):  # type: ignore[misc,valid-type]
    """Settings of this machine: the fields of `MachineChoices`, read and written at once.

    Parameters
    ----------
    settings
        A `qt.QSettings`; Slicer's own if not given.
    """

    def __init__(self, settings: Any = None) -> None:
        self._settings = qt.QSettings() if settings is None else settings

    @property
    def resultsFolder(self) -> Path:
        """Folder under which each run makes its own; Slicer's temporary folder if not chosen."""
        return Path(self._text("resultsFolder") or slicer.app.temporaryPath)

    @resultsFolder.setter
    def resultsFolder(self, folder: Path | str) -> None:
        self._write("resultsFolder", str(folder))

    def weightsFile(self, model: str) -> Path | None:
        """The file that is taken instead of a model's own weights; None where none is."""
        return self._file(f"weights/{model}")

    def setWeightsFile(self, model: str, path: Path | str | None) -> None:
        """Take a file instead of a model's own weights; None goes back to those."""
        self._write(f"weights/{model}", "" if path is None else str(path))

    def calibrationFile(self, model: str) -> Path | None:
        """The calibration of a model that a run is to use; None leaves it to the library."""
        return self._file(f"calibration/{model}")

    def setCalibrationFile(self, model: str, path: Path | str | None) -> None:
        """Use a calibration in runs of a model; None goes back to the one that comes with it."""
        self._write(f"calibration/{model}", "" if path is None else str(path))

    def _file(self, key: str) -> Path | None:
        chosen = self._text(key)
        return Path(chosen) if chosen else None

    def _text(self, key: str) -> str:
        value = self._settings.value(PREFIX + key, "")
        return "" if value is None else str(value)

    def _write(self, key: str, value: object) -> None:
        self._settings.setValue(PREFIX + key, value)
