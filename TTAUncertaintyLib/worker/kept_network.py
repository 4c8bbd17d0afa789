"""The network of the last job, kept for the next one that wants the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from ..geometry import sha256
from ..models import MODELS, RegistrationModel, find_entry
from ..store import WeightsStore


class KeptNetwork:
    """Loads models, and keeps one: a network of this software, and none of somebody's own.

    It is the same network if it has the same name, was asked for with the same options, and its
    weights file has the same path and, by its SHA-256, still the same content.
    """

    def __init__(self) -> None:
        self._model: RegistrationModel | None = None
        self._asked: tuple[str, Mapping[str, str]] | None = None
        #: Whether somebody's own program was let run in this process, which nobody can vouch for
        #: from then on.
        self.ran_own_code = False

    def load(
        self,
        name: str,
        weights: Path | None = None,
        options: Mapping[str, str] | None = None,
        trust_code: bool = False,
    ) -> RegistrationModel:
        """Return a model; arguments and errors are those of `models.load_model`."""
        entry = find_entry(name)
        options = options or {}
        if name not in MODELS:
            self.drop()
            self.ran_own_code |= trust_code or entry.trusted
            return entry.load(weights, options, trust_code)
        if weights is None:
            weights = WeightsStore().intact_file(name) if entry.bundled is None else entry.bundled()
        # not the model's own options: one that looks at the images says there what it took
        asked = name, entry.description.chosen(options)
        if self._model is None or asked != self._asked or not _has_weights(self._model, weights):
            self.drop()  # first, so that there are never two
            self._model, self._asked = entry.load(weights, options), asked
        return self._model

    def rest(self) -> None:
        """Move the network out of the way of others: from a GPU's memory to the computer's."""
        if self._model is not None:
            self._model.place(torch.device("cpu"))

    def drop(self) -> None:
        """Keep none."""
        self._model = self._asked = None


def _has_weights(model: RegistrationModel, file: Path | None) -> bool:
    has = model.weights
    if has is None or file is None:
        return False
    return has.path == file and has.sha256 == sha256(file)
