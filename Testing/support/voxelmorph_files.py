"""Checkpoints of VoxelMorph's torch package, and manifests beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_manifest(weights: Path, arguments: Mapping[str, Any], **changed: Any) -> Path:
    """Write a manifest beside a weights file."""
    manifest = {
        "schema": "ttauncertainty-model/1",
        "name": "my-voxelmorph",
        "title": "VoxelMorph of mine",
        "purpose": "Tests.",
        "licence": "MIT",
        "citation": "Balakrishnan et al., IEEE TMI 38 (2019).",
        "kind": "voxelmorph",
        "file": weights.name,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "architecture": dict(arguments),
        "input": {
            "spacing_mm": 2.0,
            "orientation": "RAS",
            "array_order": "ijk",
            "affine_alignment": True,
            **changed.pop("input", {}),
        },
        **changed,
    }
    path = weights.with_suffix(".json")
    path.write_text(json.dumps(manifest))
    return path
