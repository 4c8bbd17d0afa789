"""The weights that ship: the card names their bytes, and they stay small."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from TTAUncertaintyLib.models.descriptions import bundled_dropout_weights, bundled_weights
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowArchitecture
from TTAUncertaintyLib.models.weights.described import architecture_from_text
from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors
from TTAUncertaintyLib.resources import resources_folder

CARD = (resources_folder() / "Models" / "MODEL_CARD.md").read_text(encoding="utf-8")
FILES = pytest.mark.parametrize("file", [bundled_weights, bundled_dropout_weights])


@FILES
def test_the_card_names_the_file_and_its_hash(file: Callable[[], Path]) -> None:
    path = file()
    line = next(line for line in CARD.splitlines() if f"`{path.name}`" in line)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in line
    assert path.stat().st_size < 4e6


@FILES
def test_the_file_says_how_it_was_trained(file: Callable[[], Path]) -> None:
    _, metadata = read_safetensors(file())
    settings = json.loads(metadata["settings"])
    assert settings["seed"] == int(metadata["seed"])
    assert int(metadata["steps"]) == settings["steps"]
    dropout = architecture_from_text(PyramidFlowArchitecture, metadata["architecture"]).dropout
    assert (dropout > 0) == (file is bundled_dropout_weights)
