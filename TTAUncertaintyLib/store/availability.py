"""Which weights a run with a model would read, and what is missing for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..models.manifest import read_manifest
from ..models.registry import Entry
from .record import Record
from .store import WeightsStore


class Source(Enum):
    """Where the weights that a run will read come from."""

    NONE = "none"  #: the model needs none
    BUNDLED = "bundled"
    INSTALLED = "installed"
    CHOSEN = "chosen"  #: a file that the person takes instead
    OWN = "own"  #: a model of the person's own, installed with its files
    ABSENT = "absent"


class Lack(Enum):
    """Why a run cannot begin with a model."""

    MODEL = "there is no such model"
    CHOSEN_FILE = "the file that the person chose is gone"
    BUNDLED_FILE = "the installation is damaged"
    WEIGHTS = "not installed"
    CONSENT = "it is a program, and nobody agreed to run it"


@dataclass(frozen=True)
class Weights:
    """Whether a model's weights are there."""

    #: Name in the registry.
    model: str
    #: Where they come from.
    source: Source
    #: The file that a run will read; None if there is none.
    file: Path | None = None
    #: What is missing; None if they can be used.
    lack: Lack | None = None
    #: What is known of installed ones.
    record: Record | None = None
    program: bool = False

    @property
    def installed(self) -> bool:
        """Whether a run can begin with them."""
        return self.lack is None

    @property
    def size_mb(self) -> float:
        """Size in MB (10^6 bytes); 0 where there is none."""
        if self.record is not None:
            return self.record.size_bytes / 1e6
        try:
            return 0.0 if self.file is None else self.file.stat().st_size / 1e6
        except OSError:
            return 0.0


def weights_of(model: str, store: WeightsStore, chosen: Path | None = None) -> Weights:
    """Say which weights a run with a model would read.

    Parameters
    ----------
    chosen
        A file that the person takes instead: it goes before all others, except for a model of
        one's own, whose manifest names its file.
    """
    entry = store.entries().get(model)
    if entry is None:
        return Weights(model, Source.ABSENT, lack=Lack.MODEL)
    if entry.manifest is not None:
        return _own(model, entry, entry.manifest, store)
    if not entry.description.needs_weights:
        return Weights(model, Source.NONE)
    if chosen is not None:
        lack = None if chosen.is_file() else Lack.CHOSEN_FILE
        return Weights(model, Source.CHOSEN, chosen, lack)
    if entry.bundled is not None:
        file = entry.bundled()
        return Weights(model, Source.BUNDLED, file, None if file.is_file() else Lack.BUNDLED_FILE)
    found = store.installed(model)
    if found is not None:
        return Weights(model, Source.INSTALLED, found.path, record=found.record)
    return Weights(model, Source.ABSENT, lack=Lack.WEIGHTS)


def _own(model: str, entry: Entry, manifest: Path, store: WeightsStore) -> Weights:
    found = store.installed(model)
    program = read_manifest(manifest).kind.is_program
    lack = Lack.CONSENT if program and not entry.trusted else None
    record = None if found is None else found.record
    return Weights(model, Source.OWN, manifest, lack, record, program)
