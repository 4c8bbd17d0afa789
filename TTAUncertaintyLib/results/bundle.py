"""A result bundle on disk, for whoever reads it: needs neither torch nor images in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..strict_json import NotAllowed, Unreadable, parse_json, read_text
from .files import RECORD_FILE
from .maps import MapKind
from .record_shape import check_record


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
            record = parse_json(read_text(file), nan=True)
            files = check_record(record)
        except (Unreadable, NotAllowed) as error:
            said = str(error).rstrip(".")
            raise InputError(
                f"{file} cannot be read: {said}.", "Run the registration again."
            ) from error
        missing = [name for name in files if not (folder / name).is_file()]
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
