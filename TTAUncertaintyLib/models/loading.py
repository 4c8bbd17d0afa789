"""Models by name: those of this software, and the person's own in the store of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..store.store import WeightsStore
from .contract import NO_OPTIONS, RegistrationModel
from .registry import Entry


def models() -> dict[str, Entry]:
    """Return all models by name: those of this software, and the person's own installed ones."""
    return WeightsStore().entries()


def find_entry(name: str) -> Entry:
    """Return a model's entry.

    Parameters
    ----------
    name
        Of one of `models()`, or the path of a manifest.

    Raises
    ------
    ModelError
        If there is no such model, or the manifest is not valid.
    """
    return WeightsStore().entry(name)


def load_model(
    name: str,
    weights: Path | None = None,
    options: Mapping[str, str] = NO_OPTIONS,
    trust_code: bool = False,
) -> RegistrationModel:
    """Load a model by name.

    Parameters
    ----------
    name
        Of one of `models()`, or the path of the manifest (.json) of a model of one's own.
    weights
        A local weights file; None takes the bundled one where there is one, or else the installed
        one.
    options
        What was chosen of the options in the model's description; the defaults otherwise.

    Raises
    ------
    ModelError
        If there is no such model, option or choice, or its weights are missing, damaged or
        another network's.
    ConsentNeeded
        If its file is a program, and nobody agreed to run it.
    """
    entry = find_entry(name)
    if weights is None and entry.manifest is None and entry.bundled is None:
        weights = WeightsStore().intact_file(name)
    return entry.load(weights, options, trust_code)
