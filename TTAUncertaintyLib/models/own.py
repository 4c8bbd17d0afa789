"""Models of one's own: what loads a manifest of each kind. Torch-free until one is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from .contract import NO_OPTIONS, RegistrationModel
from .manifest import Kind, read_manifest

#: "module:name" in the room `adapters`, called with the manifest and the options.
_ADAPTERS = {
    Kind.VOXELMORPH: "voxelmorph:VoxelMorph",
    Kind.TRANSMORPH: "transmorph:TransMorph",
    Kind.KERAS: "keras:KerasNetwork",
    Kind.TORCHSCRIPT: "exported:ExportedNetwork",
    Kind.TORCH_EXPORT: "exported:ExportedNetwork",
    Kind.PYTHON: "own_python:load_own_python",
}


def is_manifest(name: str) -> bool:
    """Tell whether a model's name is the path of a manifest."""
    return name.endswith(".json")


def load_own_model(
    path: Path, options: Mapping[str, str] = NO_OPTIONS, trust_code: bool = False
) -> RegistrationModel:
    """Load the model that a manifest describes.

    Raises
    ------
    ModelError
        If the manifest is not valid, or its file is missing, damaged or another one.
    ConsentNeeded
        If the file is a program, and nobody agreed to run it; nothing of it has run.
    """
    manifest = read_manifest(path)
    module, _, name = _ADAPTERS[manifest.kind].partition(":")
    adapter = getattr(import_module(f".adapters.{module}", __package__), name)
    model: RegistrationModel
    if manifest.kind.is_architecture:
        model = adapter(manifest, options)
    else:
        model = adapter(manifest, options, trust_code)
    return model
