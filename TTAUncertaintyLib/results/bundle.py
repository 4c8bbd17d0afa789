"""A result bundle on disk, for whoever reads it: needs neither torch nor images in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..geometry.lattice import Lattice
from ..review.reason_map import ReasonMap
from ..strict_json import NotAllowed, Unreadable, parse_json, read_text
from .files import RECORD_FILE
from .keep import Keep
from .maps import MapKind
from .record_shape import check_record

#: Said where there is none: for a moment after every run, and where one was killed then.
NO_REPORT = "There is no report yet; this makes it: ttauncertainty report {folder}"


@dataclass(frozen=True)
class Bundle:
    """A result bundle on disk."""

    folder: Path
    #: The content of `result.json`.
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
    def keep(self) -> Keep:
        """How much it holds; results of before there was a choice hold all."""
        return Keep(self.record.get("keep", Keep.ALL.value))

    @property
    def fixed_lattice(self) -> Lattice:
        """Of the fixed image, LPS mm."""
        return Lattice.from_dict(self.record["inputs"]["fixed"]["lattice"])

    @property
    def map_files(self) -> dict[MapKind, Path]:
        """The files of the maps that this bundle has; each says on which lattice it lies."""
        files = self.record["files"]
        return {kind: self.folder / files[kind.value] for kind in MapKind if kind.value in files}

    @property
    def outside_calibration(self) -> Path | None:
        """Where the cues lie outside the calibrated range, 0 or 1; None without a calibration."""
        name = self.record["files"].get("outside_calibration")
        return None if name is None else self.folder / str(name)

    def reasons(self) -> ReasonMap | None:
        """Read why an error is expected; None where the bundle does not know.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        name = self.record["files"].get("error_reasons")
        return None if name is None else ReasonMap.read(self.folder / name)

    @property
    def labels(self) -> Path | None:
        """Labels of the moving image, on the fixed lattice; None where none were carried."""
        name = self.record["files"].get("labels")
        return None if name is None else self.folder / str(name)

    @property
    def warped(self) -> Path:
        """The warped moving image, on the fixed lattice.

        Raises
        ------
        InputError
            If the bundle keeps no volumes.
        """
        return self._volume("warped")

    @property
    def transform(self) -> Path:
        """The unperturbed transform, fixed to moving: see `transforms.read_transform`.

        Raises
        ------
        InputError
            If the bundle keeps no volumes.
        """
        return self._volume("transform")

    @property
    def report(self) -> Path:
        """The report, HTML; it may not be there (yet)."""
        return self.folder / str(self.record["files"]["report"])

    def _volume(self, what: str) -> Path:
        if self.keep is Keep.SUMMARY:
            raise InputError(
                f"{self.folder} is the summary of a result: it has numbers and a report, and no "
                "maps, warped image or transform.",
                "Run the registration again with --keep compact.",
            )
        return self.folder / str(self.record["files"][what])
