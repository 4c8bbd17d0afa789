"""What is known of weights that are installed, as a small JSON file beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..strict_json import NotAllowed, Unreadable, plain, read_as, read_json, take_version
from ..whole_files import written_whole

_SCHEMA = 1


class Origin(Enum):
    """Where the hash that a file has to have comes from."""

    PUBLISHER = "publisher"  #: the published file was seen, its hash is part of this software
    FIRST_DOWNLOAD = "first download"  #: the first download's, enforced since
    FILE = "file"  #: a local file's, when it was installed

    @property
    def words(self) -> str:
        """How it is said to a person."""
        return {
            Origin.PUBLISHER: "the published file",
            Origin.FIRST_DOWNLOAD: "recorded at the first download, since the publisher gives none",
            Origin.FILE: "recorded when the file was installed, since the publisher gives none",
        }[self]


@dataclass(frozen=True)
class Record:
    """What is known of an installed file."""

    #: Name in the registry.
    model: str
    file: str
    size_bytes: int
    sha256: str
    #: The address it was downloaded from, or the path it was copied from.
    source: str
    #: Of the bytes that came; other than `sha256` where they were converted.
    source_sha256: str
    #: What `source_sha256` was compared with.
    origin: Origin
    #: Date and time, ISO 8601, UTC.
    installed: str
    #: Whether the contents were read strictly, in a process of their own, before they were
    #: adopted; False where PyTorch was not there to do it.
    checked: bool
    #: Whether the person agreed to run the program that a model of their own is.
    trusted: bool = False

    def write(self, path: Path) -> None:
        """Write the record, as a whole or not at all."""
        values = {"schema": _SCHEMA} | plain(self)
        with written_whole(path, alone=False) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read a record.

        Raises
        ------
        ValueError
            If it cannot be read, or is not a record; the message is a clause.
        """
        try:
            values = read_json(path)
        except Unreadable as error:
            raise ValueError(str(error)) from error
        try:
            record = read_as(cls, take_version(values, _SCHEMA, "schema"))
        except NotAllowed as error:
            raise ValueError(f"it is not a record ({error})") from error
        if Path(record.file).name != record.file:
            raise ValueError("it names a file outside its folder")
        return record
