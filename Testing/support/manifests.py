"""Manifests of networks of one's own, written beside files that tests make."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: A manifest that is valid as it stands.
INPUT: dict[str, Any] = {
    "lattice": "common",
    "spacing_mm": 3,
    "multiple": 4,
    "orientation": "RAS",
    "array_order": "kji",
    "normalisation": {"kind": "min-max"},
    "images": ["moving", "fixed"],
    "passed_as": "arguments",
}
OUTPUT: dict[str, Any] = {
    "quantity": "displacement",
    "unit": "voxel",
    "components": "ijk",
    "direction": "fixed_to_moving",
}


def manifest_values(**changes: Any) -> dict[str, Any]:
    """Return a manifest's keys; `changes` name keys, `input__shape` one of a section.

    A change to `...` leaves the key out.
    """
    values: dict[str, Any] = {
        "schema": "ttauncertainty-model/1",
        "name": "my-brains",
        "title": "My brains",
        "purpose": "Tests.",
        "licence": "Apache-2.0",
        "citation": "Nobody.",
        "kind": "torchscript",
        "file": "network.pt",
        "sha256": "0" * 64,
        "input": {**INPUT, "normalisation": dict(INPUT["normalisation"])},
        "output": dict(OUTPUT),
    }
    for path, value in changes.items():
        *sections, key = path.split("__")
        section = values
        for each in sections:
            section = section[each]
        if value is ...:
            del section[key]
        else:
            section[key] = value
    return values


def write_manifest(folder: Path, file: Path, **changes: Any) -> Path:
    """Write a manifest for a file beside it, with the file's hash."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    values = manifest_values(**{"file": file.name, "sha256": digest, **changes})
    path = folder / f"{file.stem}.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def write_beside(file: Path, kind: str, **values: Any) -> Path:
    """Write a manifest of some keys beside its file, and return its path."""
    known = {
        "schema": "ttauncertainty-model/1",
        "name": "my-model",
        "title": "My model",
        "purpose": "Tests.",
        "licence": "MIT",
        "citation": "Nobody.",
        "kind": kind,
        "file": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    path = file.with_suffix(".json")
    path.write_text(json.dumps(known | values), encoding="utf-8")
    return path


def write_voxelmorph(weights: Path, arguments: Mapping[str, Any], **changed: Any) -> Path:
    """Write the manifest of a checkpoint of VoxelMorph's torch package."""
    seen = {"spacing_mm": 2.0, "orientation": "RAS", "array_order": "ijk", "affine_alignment": True}
    seen |= changed.pop("input", {})
    return write_beside(weights, "voxelmorph", architecture=dict(arguments), input=seen, **changed)
