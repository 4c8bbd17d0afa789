"""Which models there are. Adding one means its adapter, and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ..errors import ModelError
from .contract import NO_OPTIONS, ModelDescription, RegistrationModel
from .descriptions import (
    LAPIRN,
    MULTIGRADICON,
    PYRAMID_FLOW,
    PYRAMID_FLOW_DROPOUT,
    SYNTHMORPH_BRAINS,
    SYNTHMORPH_SHAPES,
    UNIGRADICON,
    bundled_dropout_weights,
    bundled_weights,
)
from .own import is_manifest, load_own_model


@dataclass(frozen=True)
class Entry:
    """A model that can be asked for by name.

    Parameters
    ----------
    description
        What it is.
    adapter
        "module:Class" in the room `adapters`, called with the weights file (None takes the
        bundled one) and the options. It is imported when the model is loaded: a list of the
        models needs neither networks nor torch.
    bundled
        The weights that come with the library; None if a file has to be given.
    """

    description: ModelDescription
    adapter: str
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

    def load(
        self, weights: Path | None = None, options: Mapping[str, str] = NO_OPTIONS
    ) -> RegistrationModel:
        """Load the model; see `load_model`."""
        about = self.description
        if weights is None and self.bundled is None and about.needs_weights:
            where = f"Get them from {about.published.page} and give" if about.published else "Give"
            raise ModelError(
                f"The weights of {about.title} do not come with this software.",
                f"{where} the file with --weights.",
            )
        module, _, name = self.adapter.partition(":")
        adapter = getattr(import_module(f".adapters.{module}", __package__), name)
        model: RegistrationModel = adapter(weights, options)
        return model


MODELS: dict[str, Entry] = {
    entry.description.name: entry
    for entry in (
        Entry(PYRAMID_FLOW, "pyramid_flow:PyramidFlow", bundled_weights),
        Entry(PYRAMID_FLOW_DROPOUT, "pyramid_flow:PyramidFlowDropout", bundled_dropout_weights),
        Entry(LAPIRN, "lapirn:LapIRN"),
        Entry(UNIGRADICON, "unigradicon:UniGradICON"),
        Entry(MULTIGRADICON, "unigradicon:MultiGradICON"),
        Entry(SYNTHMORPH_SHAPES, "synthmorph:SynthMorphShapes"),
        Entry(SYNTHMORPH_BRAINS, "synthmorph:SynthMorphBrains"),
    )
}

DEFAULT_MODEL = PYRAMID_FLOW.name


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
        A key of `MODELS`, or the path of the manifest (.json) of a model of one's own.
    weights
        A local weights file; None takes the bundled one where there is one.
    options
        What was chosen of the options in the model's description; the defaults otherwise.
    trust_code
        Whether the person agreed to run a model of their own whose file is a program.

    Raises
    ------
    ModelError
        If there is no such model, option or choice, or its weights are missing, damaged or
        another network's.
    ConsentNeeded
        If its file is a program, and nobody agreed to run it.
    """
    if is_manifest(name):
        if weights is not None:
            raise ModelError(f"The manifest {name} names its file already.", "Leave out --weights.")
        return load_own_model(Path(name), options, trust_code)
    if name not in MODELS:
        raise ModelError(f"There is no model '{name}'.", f"Choose one of {', '.join(MODELS)}.")
    return MODELS[name].load(weights, options)
