"""Which models there are. Adding one means its file, and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .contract import ModelDescription, RegistrationModel
from .descriptions import LAPIRN, PYRAMID_FLOW, bundled_weights


@dataclass(frozen=True)
class Entry:
    """A model that can be asked for by name.

    Parameters
    ----------
    description
        What it is.
    load
        Called with the weights file, or None for the bundled ones.
    bundled
        The weights that come with the library; None if a file has to be given.
    """

    description: ModelDescription
    load: Callable[[Path | None], RegistrationModel]
    bundled: Callable[[], Path] | None = None

    @property
    def bundled_bytes(self) -> int | None:
        """Size of the bundled weights file; None if there is none, or it is missing."""
        if self.bundled is None:
            return None
        try:
            return self.bundled().stat().st_size
        except OSError:
            return None


# An adapter is imported when it is loaded: a list of the models needs neither networks nor torch.


def _load_pyramid_flow(weights: Path | None) -> RegistrationModel:
    from .pyramid_flow import PyramidFlow

    return PyramidFlow(weights)


def _load_lapirn(weights: Path | None) -> RegistrationModel:
    if weights is None:
        raise ModelError(
            "LapIRN's weights do not come with this software.",
            f"Get them from {LAPIRN.published_at} and give the file with --weights.",
        )
    from .lapirn import LapIRN

    return LapIRN(weights)


MODELS: dict[str, Entry] = {
    entry.description.name: entry
    for entry in (
        Entry(PYRAMID_FLOW, _load_pyramid_flow, bundled_weights),
        Entry(LAPIRN, _load_lapirn),
    )
}

DEFAULT_MODEL = PYRAMID_FLOW.name


def load_model(name: str, weights: Path | None = None) -> RegistrationModel:
    """Load a model by name.

    Parameters
    ----------
    name
        A key of `MODELS`.
    weights
        A local weights file; None takes the bundled one where there is one.

    Raises
    ------
    ModelError
        If there is no such model, or its weights are missing, damaged or another network's.
    """
    if name not in MODELS:
        raise ModelError(f"There is no model '{name}'.", f"Choose one of {', '.join(MODELS)}.")
    return MODELS[name].load(weights)
