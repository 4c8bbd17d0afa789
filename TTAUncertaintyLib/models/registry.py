"""Which models this software knows. Adding one means its adapter, and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .contract import NO_OPTIONS, ModelDescription, RegistrationModel
from .descriptions import (
    CLAPIRN,
    DIRAC,
    GREEDY,
    LAPIRN,
    MULTIGRADICON,
    MULTIPROPREG,
    PDD_NET,
    PYRAMID_FLOW,
    PYRAMID_FLOW_ANY,
    PYRAMID_FLOW_DROPOUT,
    SITK_BSPLINE,
    SITK_DEMONS,
    SYMNET,
    SYNTHMORPH_BRAINS,
    SYNTHMORPH_SHAPES,
    UNIGRADICON,
    bundled_any_weights,
    bundled_dropout_weights,
    bundled_weights,
)
from .own import load_own_model


@dataclass(frozen=True)
class Entry:
    """A model that can be asked for by name."""

    description: ModelDescription
    #: "module:Class" in the room `adapters`, called with the weights file (None takes the
    #: bundled one) and the options. It is imported when the model is loaded: a list of the
    #: models needs neither networks nor torch.
    #: Empty for a model of one's own.
    adapter: str
    #: The weights that come with the library; None if there are none.
    bundled: Callable[[], Path] | None = None
    #: "module:function" in the room `weights`, called with the published file and the path of
    #: the file to be made, for a model that does not load what its publisher offers.
    convert: str | None = None
    #: That of a model of one's own.
    manifest: Path | None = None
    #: Whether the person agreed to run its code when it was installed.
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

#: The models that this software knows by itself; `loading.models` adds the person's own.
MODELS: dict[str, Entry] = {
    entry.description.name: entry
    for entry in (
        Entry(PYRAMID_FLOW, "pyramid_flow:PyramidFlow", bundled_weights),
        Entry(PYRAMID_FLOW_ANY, "pyramid_flow:PyramidFlowAny", bundled_any_weights),
        Entry(PYRAMID_FLOW_DROPOUT, "pyramid_flow:PyramidFlowDropout", bundled_dropout_weights),
        Entry(LAPIRN, "lapirn:LapIRN"),
        Entry(CLAPIRN, "lapirn:CLapIRN"),
        Entry(SYMNET, "symnet:SYMNet"),
        Entry(DIRAC, "lapirn:Dirac"),
        Entry(
            MULTIPROPREG, "multipropreg:MultiPropReg", convert="multipropreg:convert_multipropreg"
        ),
        Entry(PDD_NET, "pdd_net:PddNet"),
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
