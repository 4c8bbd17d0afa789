"""Whether the weights of a model are there: bundled, or a file that the person chose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.models import MODELS


@dataclass(frozen=True)
class Weights:
    """Whether a model's weights are there.

    Attributes
    ----------
    model
        Name in the registry.
    bundled
        Whether they come with the extension.
    file
        The file that a run will read; None if there is none yet.
    problem
        Empty if they can be used, else a sentence that says what to do.
    """

    model: str
    bundled: bool
    file: Path | None
    problem: str = ""

    @property
    def installed(self) -> bool:
        """Whether a run can begin with them."""
        return not self.problem

    @property
    def size_mb(self) -> float:
        """Size of the file in MB (10^6 bytes); 0 where there is none."""
        try:
            return 0.0 if self.file is None else self.file.stat().st_size / 1e6
        except OSError:
            return 0.0


def weights_of(model: str, machine: Any) -> Weights:
    """Say which weights a run with a model would read.

    Parameters
    ----------
    model
        Name in the registry.
    machine
        `MachineSettings`: the file that the person chose goes before the bundled one.
    """
    if model not in MODELS:
        return Weights(model, False, None, _("Choose a model from the list."))
    entry = MODELS[model]
    chosen = machine.weightsFile(model)
    bundled = entry.bundled is not None
    if chosen is not None:
        problem = (
            ""
            if chosen.is_file()
            else _(
                "The weights file {path} is not there any more: choose it again under Model."
            ).format(path=chosen)
        )
        return Weights(model, bundled, chosen, problem)
    if entry.bundled is not None:
        file = entry.bundled()
        problem = (
            ""
            if file.is_file()
            else _(
                "The weights of {title} are missing: install the extension TTAUncertainty again."
            ).format(title=entry.description.title)
        )
        return Weights(model, True, file, problem)
    return Weights(
        model,
        False,
        None,
        _(
            "Get the weights of {title} under Model: download them or choose a file. They are "
            "published at {place}."
        ).format(title=entry.description.title, place=entry.description.published.page),
    )
