"""Models by name: those of this software, and the person's own in the store of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import ModelError
from ..store.store import WeightsStore
from .contract import NO_OPTIONS, RegistrationModel
from .manifest import Kind, Manifest, read_manifest
from .own import is_manifest
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


def load_member(
    name: str,
    member: Path,
    options: Mapping[str, str] = NO_OPTIONS,
    trust_code: bool = False,
) -> RegistrationModel:
    """Load the same network with other weights: another member of an ensemble.

    Parameters
    ----------
    name
        As for `load_model`.
    member
        A weights file; where the model is one of one's own, another manifest, which says the same
        as the model's but for its weights.

    Raises
    ------
    ModelError
        If the manifest is of another network, which would see its images prepared for this one;
        and as `load_model`.
    ConsentNeeded
        As `load_model`.
    """
    path = find_entry(name).manifest
    if path is None:
        return load_model(name, member, options)
    if not is_manifest(str(member)):
        raise ModelError(
            f"{member} is no manifest, and the model is one of your own.",
            "Give the manifest of each further member of the ensemble.",
        )
    if _network_of(read_manifest(path)) != _network_of(read_manifest(member)):
        raise ModelError(
            f"The manifest {member} describes another network than {path}.",
            "The members of an ensemble may differ in their weights alone.",
        )
    return load_model(str(member), None, options, trust_code)


def _network_of(manifest: Manifest) -> tuple[object, ...]:
    """Return what a manifest says but for names and weights."""
    code = manifest.sha256 if manifest.kind is Kind.PYTHON else None
    sections = manifest.architecture, manifest.input, manifest.output
    return manifest.kind, manifest.class_name, code, *sections
