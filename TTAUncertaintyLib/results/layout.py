"""Which files this software writes into a folder: all others in it are a person's."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .files import (
    DISPLACEMENT_FILE,
    MEAN_TRANSFORM_FILE,
    OFFSETS_FILE,
    OUTSIDE_FILE,
    REASONS_FILE,
    RECORD_FILE,
    REGISTRATIONS_FILE,
    REGISTRATIONS_FOLDER,
    REPORT_FILE,
    REPORT_PARTIAL,
    REVIEW_FILE,
    TRANSFORM_FILE,
    VARIANCES_FILE,
    WARPED_FILE,
)
from .labels import FILES as LABEL_FILES
from .maps import MapKind

#: What file managers leave in every folder that they show.
_NOBODYS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Layout:
    """The files of a folder that is made as a whole."""

    #: The file that such a folder is known by.
    record: str
    #: Names of all that may be written there, the record among them; "folder/name" for one in a
    #: folder. What a record on disk says is not asked: it may be anybody's.
    files: frozenset[str]
    #: Patterns (regular expressions) of further ones.
    numbered: tuple[str, ...] = ()
    #: The file of a review beside it; empty where there is none.
    review: str = ""

    @classmethod
    def of(cls, record: str, others: Iterable[str]) -> Layout:
        """Return the layout of a folder that holds a record and some other files."""
        return cls(record, frozenset({record, *others}))

    def within(self, folder: str) -> tuple[frozenset[str], tuple[str, ...]]:
        """Return the files and patterns of such a folder as one that lies in another names them."""
        files = frozenset(f"{folder}/{name}" for name in self.files)
        return files, tuple(rf"{re.escape(folder)}/{pattern}" for pattern in self.numbered)

    def owns(self, name: str) -> bool:
        """Tell whether a file of this name, "/" between its parts, is one that is written."""
        return name in self.files or any(re.fullmatch(p, name) for p in self.numbered)

    def others(self, folder: Path) -> list[str]:
        """Return the names of what lies in a folder and was not written by this software."""
        return sorted(name for name, own in self._entries(folder, "") if not own)

    def remove(self, folder: Path) -> None:
        """Remove what this software wrote and the folders that are empty then; nothing else.

        What cannot be removed stays.
        """
        for name, own in list(self._entries(folder, "")):
            if own:
                with contextlib.suppress(OSError):
                    (folder / name).unlink()
        for name in (*sorted(self._folders, reverse=True), ""):  # what lies deeper first
            with contextlib.suppress(OSError):
                (folder / name).rmdir()

    @property
    def _folders(self) -> set[str]:
        parents = [str(folder) for n in self.files for folder in PurePosixPath(n).parents]
        return set(parents) - {"."}

    def _entries(self, folder: Path, below: str) -> Iterable[tuple[str, bool]]:
        """Yield each file by its name and whether it is written here; a link never is."""
        folders = self._folders
        for path in folder.iterdir():
            name = below + path.name
            if path.is_symlink():
                yield name, False
            elif path.is_dir() and name in folders:
                yield from self._entries(path, f"{name}/")
            elif path.is_dir():
                yield name, False
            else:
                yield name, self.owns(name) or path.name in _NOBODYS


#: A result's folder.
RESULT = Layout(
    RECORD_FILE,
    frozenset(
        {
            *(kind.facts.file for kind in MapKind),
            *(RECORD_FILE, REPORT_FILE, REPORT_PARTIAL, WARPED_FILE, VARIANCES_FILE, OUTSIDE_FILE),
            *(
                REASONS_FILE,
                TRANSFORM_FILE,
                MEAN_TRANSFORM_FILE,
                DISPLACEMENT_FILE,
                REGISTRATIONS_FILE,
            ),
            f"{REGISTRATIONS_FOLDER}/{OFFSETS_FILE}",
            *LABEL_FILES.values(),
        }
    ),
    (rf"{REGISTRATIONS_FOLDER}/warped_\d+\.nrrd",),
    REVIEW_FILE,
)
