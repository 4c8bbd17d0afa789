"""Manifests of networks of one's own, written beside files that tests make."""

from __future__ import annotations

import hashlib
import json
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
