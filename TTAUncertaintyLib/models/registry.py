"""Which models there are. Adding one means its file, and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from . import lapirn, pyramid_flow
from .contract import ModelDescription, RegistrationModel


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


def _load_lapirn(weights: Path | None) -> RegistrationModel:
    if weights is None:
        raise ModelError(
            "LapIRN's weights do not come with this software.",
            f"Get them from {lapirn.DESCRIPTION.published_at} and give the file with --weights.",
        )
    return lapirn.LapIRN(weights)


MODELS: dict[str, Entry] = {
    entry.description.name: entry
    for entry in (
        Entry(pyramid_flow.DESCRIPTION, pyramid_flow.PyramidFlow, pyramid_flow.bundled_weights),
        Entry(lapirn.DESCRIPTION, _load_lapirn),
    )
}

DEFAULT_MODEL = pyramid_flow.DESCRIPTION.name


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
