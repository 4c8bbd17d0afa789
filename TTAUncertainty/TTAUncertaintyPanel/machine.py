"""The choices that belong to the machine and its person: in Slicer's settings, not in scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer

PREFIX = "TTAUncertainty/"

#: Precisions of the network's layers, as in the library; "f32" is exact.
PRECISIONS = ("f32", "bf16", "f16")


class MachineSettings:
    """Settings of this machine, each a property that is read and written at once.

    Parameters
    ----------
    settings
        A `qt.QSettings`; Slicer's own if not given.
    """

    def __init__(self, settings: Any = None) -> None:
        self._settings = qt.QSettings() if settings is None else settings

    @property
    def device(self) -> str:
        """ "auto", "cpu", "cuda", "cuda:1", "mps": where the network runs."""
        return self._text("device", "auto")

    @device.setter
    def device(self, name: str) -> None:
        self._write("device", name)

    @property
    def precision(self) -> str:
        """One of `PRECISIONS`."""
        value = self._text("precision", "f32")
        return value if value in PRECISIONS else "f32"

    @precision.setter
    def precision(self, name: str) -> None:
        self._write("precision", name)

    @property
    def threads(self) -> int:
        """CPU threads of the network; 0 leaves the choice to PyTorch."""
        return self._number("threads")

    @threads.setter
    def threads(self, count: int) -> None:
        self._write("threads", int(count))

    @property
    def batchSize(self) -> int:
        """Perturbed passes at once; 0 leaves the choice to the library."""
        return self._number("batchSize")

    @batchSize.setter
    def batchSize(self, count: int) -> None:
        self._write("batchSize", int(count))

    @property
    def resultsFolder(self) -> Path:
        """Folder under which each run makes its own; Slicer's temporary folder if not chosen."""
        chosen = self._text("resultsFolder", "")
        return Path(chosen or slicer.app.temporaryPath)

    @resultsFolder.setter
    def resultsFolder(self, folder: Path | str) -> None:
        self._write("resultsFolder", str(folder))

    @property
    def python(self) -> str:
        """Interpreter of the background process; empty for Slicer's own."""
        return self._text("python", "")

    @python.setter
    def python(self, path: Path | str) -> None:
        self._write("python", str(path))

    def weightsFile(self, model: str) -> Path | None:
        """The file that is taken instead of a model's own weights; None where none is."""
        chosen = self._text(f"weights/{model}", "")
        return Path(chosen) if chosen else None

    def setWeightsFile(self, model: str, path: Path | str | None) -> None:
        """Take a file instead of a model's own weights; None goes back to those."""
        self._write(f"weights/{model}", "" if path is None else str(path))

    def calibrationFile(self, model: str) -> Path | None:
        """The calibration of a model that a run is to use; None leaves it to the library."""
        chosen = self._text(f"calibration/{model}", "")
        return Path(chosen) if chosen else None

    def setCalibrationFile(self, model: str, path: Path | str | None) -> None:
        """Use a calibration in runs of a model; None goes back to the one that comes with it."""
        self._write(f"calibration/{model}", "" if path is None else str(path))

    def _text(self, key: str, default: str) -> str:
        value = self._settings.value(PREFIX + key, default)
        return default if value is None else str(value)

    def _number(self, key: str) -> int:
        """Read a count. Settings files hold text, and a person may have edited them."""
        try:
            return max(0, int(self._text(key, "0")))
        except ValueError:
            return 0

    def _write(self, key: str, value: object) -> None:
        self._settings.setValue(PREFIX + key, value)
