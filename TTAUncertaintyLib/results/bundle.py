"""A result bundle on disk, for whoever reads it: needs neither torch nor images in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .files import RECORD_FILE, SCHEMA_VERSION
from .maps import MapKind


@dataclass(frozen=True)
class Bundle:
    """A result bundle on disk.

    Parameters
    ----------
    folder
        Where it lies.
    record
        The content of `result.json`.
    """

    folder: Path
    record: dict[str, Any]

    @classmethod
    def open(cls, folder: Path | str) -> Bundle:
        """Open a bundle.

        Raises
        ------
        InputError
            If the folder is not a bundle, is not complete, or was written by a newer version.
        """
        folder = Path(folder)
        file = folder / RECORD_FILE
        if not file.is_file():
            raise InputError(f"{folder} is not a result folder (it has no {RECORD_FILE}).")
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            version = record["schema_version"]
            missing = [name for name in record["files"].values() if not (folder / name).is_file()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{file} is damaged.", "Run the registration again.") from error
        if version > SCHEMA_VERSION:
            raise InputError(
                f"{folder} was written by a newer version (schema {version}).", "Update."
            )
        if missing:
            raise InputError(f"{folder} is not complete: {', '.join(missing)} is missing.")
        return cls(folder, record)

    @property
    def map_files(self) -> dict[MapKind, Path]:
        """The files of the maps that this bundle has."""
        files = self.record["files"]
        return {kind: self.folder / files[kind.value] for kind in MapKind if kind.value in files}

    @property
    def outside_calibration(self) -> Path | None:
        """Where the cues lie outside the calibrated range, 0 or 1; None without a calibration."""
        name = self.record["files"].get("outside_calibration")
        return None if name is None else self.folder / str(name)

    @property
    def warped(self) -> Path:
        """The warped moving image, on the fixed lattice."""
        return self.folder / str(self.record["files"]["warped"])

    @property
    def transform(self) -> Path:
        """The unperturbed transform, an ITK file, fixed to moving."""
        return self.folder / str(self.record["files"]["transform"])

    @property
    def report(self) -> Path:
        """The report, HTML."""
        return self.folder / str(self.record["files"]["report"])
