"""The folder of a study: what lies in it is the truth, and nothing else.

```
study/
  study.json            the settings
  pairs.tsv             the table, its paths relative to the study
  pairs/NAME/           a pair that is done: complete or absent, renamed into place as a whole
    result/             its bundle
    row.json            its rows in the tables, and the hashes of what it was made from
    worst.jpg           the slice through its worst place: fixed, warped, map
  failed/NAME.json      the reason, and the last lines of the log, of one that failed
  ratings/REVIEWER.tsv  one file a reviewer
  index.html, results.*, structures.*     made from these whenever the study was worked on
```
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError
from ..results import RESULT, Layout
from ..results.files import REVIEW_FILE
from ..strict_json import NotAllowed, Unreadable, parse_json, read_json, read_text, take_version
from .layout import (
    BUNDLE,
    FAILED_FOLDER,
    LOCK_FILE,
    PAIRS_FOLDER,
    PICTURE_FILE,
    ROW_FILE,
    STUDY_FILE,
    TABLE_FILE,
)
from .pairs import Pair, beside, write_pairs

SCHEMA_VERSION = 1

_FILES, _PATTERNS = RESULT.within(BUNDLE)
#: The folder of a pair. A review in it is a person's, and keeps it from being replaced.
PAIR = Layout(
    ROW_FILE,
    _FILES | {ROW_FILE, PICTURE_FILE},
    _PATTERNS,
    f"{BUNDLE}/{REVIEW_FILE}",
)

#: Small files that are read at the same time.
_READERS = 16


@dataclass(frozen=True)
class Failure:
    """A pair that failed, twice where a second attempt made sense."""

    #: Its name.
    pair: str
    #: As a person reads them.
    reason: str
    remedy: str = ""
    #: The last lines of what its process printed.
    log: str = ""
    #: How many were made.
    attempts: int = 1
    #: Where the last one was.
    computer: str = ""
    #: Wall time of all.
    seconds: float = 0.0


class Study:
    """A study on disk.

    Parameters
    ----------
    folder
        Where it lies, or will.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @classmethod
    def open(cls, folder: Path) -> Study:
        """Open one that is there.

        Raises
        ------
        InputError
            If there is none, or it is of a newer version.
        """
        study = cls(folder)
        _ = study.content
        return study

    def prepare(
        self, settings: Mapping[str, Any], pairs: Sequence[Pair], above_mm: float | None
    ) -> None:
        """Make its folders, and say in it what it is made from.

        Raises
        ------
        OutputError
            If it cannot be written, or the folder holds other things.
        """
        try:
            strange = self.folder.is_dir() and any(
                not path.name.startswith((LOCK_FILE, ".")) for path in self.folder.iterdir()
            )
            if strange and not (self.folder / STUDY_FILE).is_file():
                raise OutputError(
                    f"{self.folder} exists and holds other things.", "Name a new folder."
                )
            for folder in (self.pairs, self.failed):
                folder.mkdir(parents=True, exist_ok=True)
            content = {
                "schema_version": SCHEMA_VERSION,
                "settings": dict(settings),
                "above_mm": above_mm,
            }
            write_json(self.folder / STUDY_FILE, content)
            write_pairs(self.table, [pair.as_row(self.folder) for pair in pairs])
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be written to: {error.strerror or error}.",
                "Choose another place, or make room.",
            ) from error

    @property
    def content(self) -> dict[str, Any]:
        """What `study.json` says.

        Raises
        ------
        InputError
            If there is no study, or one of a newer version.
        """
        file = self.folder / STUDY_FILE
        if not file.is_file():
            raise InputError(f"{self.folder} is no study (it has no {STUDY_FILE}).")
        try:
            return take_version(read_json(file), SCHEMA_VERSION)
        except (Unreadable, NotAllowed) as error:
            said = str(error).rstrip(".")
            raise InputError(f"{file} cannot be read: {said}.") from error

    @property
    def table(self) -> Path:
        """The table that it was made from last."""
        return self.folder / TABLE_FILE

    @property
    def pairs(self) -> Path:
        """The folder of those that are done."""
        return self.folder / PAIRS_FOLDER

    @property
    def failed(self) -> Path:
        """The folder of those that failed."""
        return self.folder / FAILED_FOLDER

    @property
    def lock(self) -> Path:
        """The lock of its client."""
        return self.folder / LOCK_FILE

    def place(self, pair: str) -> Path:
        """Return the folder of a pair that is done."""
        return self.pairs / pair

    def done(self) -> dict[str, dict[str, Any]]:
        """Return what `row.json` says of every pair that is done, by name."""
        names = [path for path in _listed(self.pairs) if not _is_passing(path.name)]
        with ThreadPoolExecutor(_READERS) as readers:
            rows = readers.map(read_row, names)
        return {path.name: row for path, row in zip(names, rows, strict=True) if row is not None}

    def failures(self) -> dict[str, Failure]:
        """Return every pair that failed and is not done, by name."""
        files = [path for path in _listed(self.failed) if path.suffix == ".json"]
        with ThreadPoolExecutor(_READERS) as readers:
            found = [each for each in readers.map(_read_failure, files) if each is not None]
        return {each.pair: each for each in found if not self.place(each.pair).is_dir()}

    def has_failed(self, failure: Failure) -> None:
        """Write that a pair has failed."""
        write_json(self.failed / f"{failure.pair}.json", asdict(failure))

    def forget_failure(self, pair: str) -> None:
        """Remove what was written of a pair that failed before."""
        (self.failed / f"{pair}.json").unlink(missing_ok=True)

    def sweep(self, pairs: set[str]) -> None:
        """Remove what was half written for some pairs; nobody may be at work on them."""
        for path in _listed(self.pairs):
            name = path.name.rsplit(".", 2)[0]
            if _is_passing(path.name) and name in pairs:
                if path.suffix == ".partial":
                    shutil.rmtree(path, ignore_errors=True)
                elif not self.place(name).exists():
                    with contextlib.suppress(OSError):
                        path.rename(self.place(name))  # moved aside, and nothing took its place
                else:
                    PAIR.remove(path)


def read_row(folder: Path) -> dict[str, Any] | None:
    """Return what a pair's `row.json` says; None where it is none."""
    try:
        found = parse_json(read_text(folder / ROW_FILE), nan=True)
    except (Unreadable, OSError):
        return None
    return found if isinstance(found, dict) and "inputs" in found else None


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file beside its place, and rename it."""
    partial = beside(path)
    try:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _read_failure(path: Path) -> Failure | None:
    try:
        return Failure(**read_json(path))
    except (Unreadable, TypeError):
        return None


def _listed(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from sorted(Path(entry.path) for entry in entries)


def _is_passing(name: str) -> bool:
    """Tell whether a folder is on its way to its place, or out of it; see `results.folder`."""
    return name.endswith((".partial", ".aside"))
