"""Which models there are. Adding one means its adapter, and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .contract import NO_OPTIONS, ModelDescription, RegistrationModel
from .descriptions import (
    GREEDY,
    LAPIRN,
    MULTIGRADICON,
    PYRAMID_FLOW,
    PYRAMID_FLOW_DROPOUT,
    SITK_BSPLINE,
    SITK_DEMONS,
    SYNTHMORPH_BRAINS,
    SYNTHMORPH_SHAPES,
    UNIGRADICON,
    bundled_dropout_weights,
    bundled_weights,
)
from .manifest import read_manifest
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
        Empty for a model of one's own.
    bundled
        The weights that come with the library; None if there are none.
    convert
        "module:function" in the room `weights`, called with the published file and the path of
        the file to be made, for a model that does not load what its publisher offers.
    manifest
        That of a model of one's own.
    trusted
        Whether the person agreed to run its code when it was installed.
    """

    description: ModelDescription
    adapter: str
    bundled: Callable[[], Path] | None = None
    convert: str | None = None
    manifest: Path | None = None
    trusted: bool = False

    @property
    def bundled_bytes(self) -> int | None:
        """Size of the bundled weights file; None if there is none, or it is missing."""
        if self.bundled is None:
            return None
        try:
            return self.bundled().stat().st_size
        except OSError:
            return None

    def converted_name(self, name: str) -> str:
        """Return what a published file is called after its conversion."""
        return str(Path(name).with_suffix(".safetensors"))

    def convert_file(self, source: Path, target: Path) -> None:
        """Convert a published file into the one that is loaded.

        Raises
        ------
        ModelError
            If it is damaged or another network's, or a package is missing.
        """
        if self.convert is None:
            raise ValueError(f"Files of {self.description.name} are not converted.")
        _function(self.convert, "weights")(source, target)

    def load(
        self,
        weights: Path | None = None,
        options: Mapping[str, str] = NO_OPTIONS,
        trust_code: bool = False,
    ) -> RegistrationModel:
        """Load the model with these weights, or the bundled ones; see `load_model`."""
        about = self.description
        if self.manifest is not None:
            if weights is not None:
                raise ModelError(
                    f"The manifest {self.manifest} names its file already.", "Leave out --weights."
                )
            return load_own_model(self.manifest, options, trust_code or self.trusted)
        if weights is None and self.bundled is None and about.needs_weights:
            raise ModelError(
                f"The weights of {about.title} are not installed.",
                f"Install them: ttauncertainty models install {about.name}; or give a file with "
                "--weights.",
            )
        model: RegistrationModel = _function(self.adapter, "adapters")(weights, options)
        return model


def _function(name: str, room: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    return getattr(import_module(f".{room}.{module}", __package__), attribute)


_KERAS = "keras_h5:convert_vxm_dense"

#: The models that this software knows by itself; `models` adds the person's own.
MODELS: dict[str, Entry] = {
    entry.description.name: entry
    for entry in (
        Entry(PYRAMID_FLOW, "pyramid_flow:PyramidFlow", bundled_weights),
        Entry(PYRAMID_FLOW_DROPOUT, "pyramid_flow:PyramidFlowDropout", bundled_dropout_weights),
        Entry(LAPIRN, "lapirn:LapIRN"),
        Entry(UNIGRADICON, "unigradicon:UniGradICON"),
        Entry(MULTIGRADICON, "unigradicon:MultiGradICON"),
        Entry(SYNTHMORPH_SHAPES, "synthmorph:SynthMorphShapes", convert=_KERAS),
        Entry(SYNTHMORPH_BRAINS, "synthmorph:SynthMorphBrains", convert=_KERAS),
        Entry(SITK_BSPLINE, "sitk_bspline:SitkBSpline"),
        Entry(SITK_DEMONS, "sitk_demons:SitkDemons"),
        Entry(GREEDY, "greedy:Greedy"),
    )
}

DEFAULT_MODEL = PYRAMID_FLOW.name


def models() -> dict[str, Entry]:
    """Return all models by name: those of this software, and the person's own installed ones."""
    from ..store.own_models import own_entries

    return MODELS | own_entries()


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
    if name in MODELS:
        return MODELS[name]
    if is_manifest(name):
        path = Path(name)
        return Entry(read_manifest(path).description(), "", manifest=path)
    found = models()
    if name not in found:
        installed_weights(name)  # one of one's own that was altered: this says so
        raise ModelError(f"There is no model '{name}'.", f"Choose one of {', '.join(found)}.")
    return found[name]


def installed_weights(name: str) -> Path | None:
    """Return the installed weights of a model; None if there are none.

    Raises
    ------
    ModelError
        If they are not what was installed.
    """
    from ..store import WeightsStore

    return WeightsStore().intact_file(name)


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
    entry = find_entry(name)
    if weights is None and entry.manifest is None and entry.bundled is None:
        weights = installed_weights(name)
    return entry.load(weights, options, trust_code)
