"""Whether the weights of a model are there: bundled, installed, or a file that was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.models import Entry, models
from TTAUncertaintyLib.store import Record, WeightsStore


class Source(Enum):
    """Where the weights that a run will read come from."""

    NONE = "none"  #: the model needs none
    BUNDLED = "bundled"
    INSTALLED = "installed"
    CHOSEN = "chosen"  #: a file that the person takes instead
    OWN = "own"  #: a model of the person's own, installed with its files
    ABSENT = "absent"


@dataclass(frozen=True)
class Weights:
    """Whether a model's weights are there.

    Attributes
    ----------
    model
        Name in the registry.
    source
        Where they come from.
    file
        The file that a run will read; None if there is none.
    problem
        Empty if they can be used, else a sentence that says what to do.
    record
        What is known of installed ones.
    """

    model: str
    source: Source
    file: Path | None = None
    problem: str = ""
    record: Record | None = None

    @property
    def installed(self) -> bool:
        """Whether a run can begin with them."""
        return not self.problem

    @property
    def size_mb(self) -> float:
        """Size in MB (10^6 bytes); 0 where there is none."""
        if self.record is not None:
            return self.record.size_bytes / 1e6
        try:
            return 0.0 if self.file is None else self.file.stat().st_size / 1e6
        except OSError:
            return 0.0


def weights_of(model: str, machine: Any, store: WeightsStore) -> Weights:
    """Say which weights a run with a model would read.

    Parameters
    ----------
    model
        Name in the registry.
    machine
        `MachineSettings`: a file that the person chose goes before all others.
    store
        Where weights are installed.
    """
    entry = models().get(model)
    if entry is None:
        return Weights(model, Source.ABSENT, problem=_("Choose a model from the list."))
    if entry.manifest is not None:
        found = store.installed(model)
        return Weights(model, Source.OWN, entry.manifest, record=found and found.record)
    if not entry.description.needs_weights:
        return Weights(model, Source.NONE)
    chosen = machine.weightsFile(model)
    if chosen is not None:
        problem = _("The weights file {path} is not there any more: choose it again under Model.")
        said = "" if chosen.is_file() else problem.format(path=chosen)
        return Weights(model, Source.CHOSEN, chosen, said)
    if entry.bundled is not None:
        return _bundled(model, entry)
    found = store.installed(model)
    if found is not None:
        return Weights(model, Source.INSTALLED, found.path, record=found.record)
    problem = _(
        "Get the weights of {title} under Model: download them, or install them from a file."
    )
    return Weights(model, Source.ABSENT, problem=problem.format(title=entry.description.title))


def _bundled(model: str, entry: Entry) -> Weights:
    file = entry.bundled() if entry.bundled else None
    problem = ""
    if file is None or not file.is_file():
        problem = _(
            "The weights of {title} are missing: install the extension TTAUncertainty again."
        ).format(title=entry.description.title)
    return Weights(model, Source.BUNDLED, file, problem)
