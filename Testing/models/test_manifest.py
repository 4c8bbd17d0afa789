"""A manifest is read whole or refused by the name of a key, with what is allowed there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.manifests import manifest_values

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.models.manifest import (
    AxisOrder,
    InputSpec,
    Kind,
    Manifest,
    Normalisation,
    NormalisationKind,
    OutputSpec,
    PassedAs,
    Unit,
    read_manifest,
)


def read(folder: Path, **changes: Any) -> Manifest:
    path = folder / "model.json"
    path.write_text(json.dumps(manifest_values(**changes)), encoding="utf-8")
    return read_manifest(path)


def test_every_key_arrives_where_it_belongs(tmp_path: Path) -> None:
    values = manifest_values(
        kind="torch-export",
        sha256="AB" * 32,
        file="weights/net.pt2",
        input__shape=[32, 48, 40],
        input__multiple=...,
        input__center="foreground",
        input__array_order="ijk",
        input__normalisation={"kind": "percentile", "low": 1, "high": 99.5, "to": [-1, 1]},
        input__images=["fixed", "moving"],
        input__passed_as="channels",
        input__affine_alignment=True,
        output__unit="grid_sample",
        output__align_corners=False,
    )
    path = tmp_path / "model.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    found = read_manifest(path)
    assert (found.kind, found.sha256) == (Kind.TORCH_EXPORT, "ab" * 32)
    assert found.network_file == tmp_path / "weights" / "net.pt2"
    assert found.input is not None and found.output is not None
    assert found.input.shape == (32, 48, 40) and found.input.array_order is AxisOrder.IJK
    how = Normalisation(NormalisationKind.PERCENTILE, 1.0, 99.5, (-1.0, 1.0))
    assert found.input.normalisation == how
    assert found.input.images == ("fixed", "moving")
    assert found.input.passed_as is PassedAs.CHANNELS
    assert (found.output.unit, found.output.align_corners) == (Unit.GRID_SAMPLE, False)
    about = found.description()
    assert (about.name, about.spacing_mm, about.expects_affine_alignment) == ("my-brains", 3, True)
    assert about.published is None


#: What is changed, the key that the message names, and what it says.
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"colour": "red"}, "colour", "is not a key here. Allowed: schema, name"),
    ({"input__colour": 1}, "input.colour", "is not a key"),
    ({"name": ...}, "name", "is missing"),
    ({"output__unit": ...}, "output.unit", "is missing"),
    ({"schema": "ttauncertainty-model/2"}, "schema", 'is "ttauncertainty-model/2"'),
    ({"name": "My Brains"}, "name", "small letters"),
    ({"title": "  "}, "title", "not empty"),
    ({"title": "\x1b[2Jbrains"}, "title", "nothing but text"),
    ({"purpose": "half \ud83d"}, "purpose", "half a character"),
    ({"licence": 3}, "licence", "is 3"),
    ({"kind": "onnx"}, "kind", '"voxelmorph" or "transmorph"'),
    ({"kind": ["torchscript"]}, "kind", "Allowed"),
    ({"sha256": "0" * 63}, "sha256", "64 hexadecimal digits"),
    ({"file": "/etc/passwd"}, "file", "beside the manifest"),
    ({"file": "../weights.pt"}, "file", "beside the manifest"),
    ({"file": "C:weights.pt"}, "file", "beside the manifest"),
    ({"file": "a\\..\\b"}, "file", "beside the manifest"),
    ({"file": "a\0b"}, "file", "beside the manifest"),
    ({"file": ""}, "file", "beside the manifest"),
    ({"class": "Net"}, "class", "the kind is 'torchscript'"),
    ({"kind": "python"}, "class", "is missing"),
    ({"kind": "python", "class": "a.b"}, "class", "the name of a class"),
    ({"more_files": {"a": "0" * 64}}, "more_files", "the kind is 'torchscript'"),
    ({"kind": "python", "class": "N", "more_files": {"../a": "0" * 64}}, "more_files", "beside"),
    ({"architecture": {"depth": 3}}, "architecture", "the kind is 'torchscript'"),
    ({"kind": "voxelmorph"}, "output", "is known"),
    ({"input": ...}, "input", "is missing"),
    ({"output": ...}, "output", "is missing"),
    ({"input": []}, "input", "an object"),
    ({"kind": "python", "class": "N", "output": ...}, "output", "Give both"),
    ({"input__lattice": "mine"}, "input.lattice", '"common" or "own"'),
    ({"input__lattice": "own"}, "input.shape", "need one size"),
    ({"input__shape": [32, 32]}, "input.shape", "a list of 3"),
    ({"input__shape": [32, 32, 0]}, "input.shape", "from 1 to 2048"),
    ({"input__shape": [32, 32, 32.0]}, "input.shape", "whole number"),
    ({"input__shape": [32, 32, 32]}, "input.multiple", "the shape is fixed"),
    ({"input__multiple": True}, "input.multiple", "whole number"),
    ({"input__spacing_mm": 0}, "input.spacing_mm", "from 0.01 to 100"),
    ({"input__spacing_mm": 10**400}, "input.spacing_mm", "a number"),
    ({"input__center": "foreground"}, "input.center", "covers the image's field of view"),
    ({"input__orientation": "RAR"}, "input.orientation", "one letter of each"),
    ({"input__orientation": "ras"}, "input.orientation", "one letter of each"),
    ({"input__array_order": "zyx"}, "input.array_order", '"kji" or "ijk"'),
    ({"input__images": ["moving", "moving"]}, "input.images", '["fixed", "moving"]'),
    ({"input__passed_as": "dict"}, "input.passed_as", '"arguments" or "channels"'),
    ({"input__affine_alignment": "yes"}, "input.affine_alignment", "true or false"),
    (
        {"input__lattice": "own", "input__shape": [8, 8, 8], "input__multiple": 1}
        | {"input__affine_alignment": True},
        "input.affine_alignment",
        "cannot see how they are aligned",
    ),
    ({"input__normalisation": {}}, "input.normalisation.kind", "is missing"),
    ({"input__normalisation": {"kind": "log"}}, "input.normalisation.kind", '"z-score"'),
    ({"input__normalisation": {"kind": "window", "low": 0}}, "input.normalisation.high", "needs"),
    (
        {"input__normalisation": {"kind": "window", "low": 5, "high": 5}},
        "input.normalisation.low",
        "smaller",
    ),
    (
        {"input__normalisation": {"kind": "percentile", "high": 101}},
        "input.normalisation.low and high",
        "from 0 to 100",
    ),
    ({"input__normalisation": {"kind": "min-max", "low": 0}}, "input.normalisation.low", "no ends"),
    (
        {"input__normalisation": {"kind": "z-score", "to": [0, 2]}},
        "input.normalisation.to",
        "no meaning",
    ),
    (
        {"input__normalisation": {"kind": "min-max", "to": [1, 0]}},
        "input.normalisation.to",
        "lower end",
    ),
    ({"output__quantity": "velocity"}, "output.quantity", '"displacement" or "map"'),
    ({"output__components": "xyz"}, "output.components", '"kji" or "ijk"'),
    ({"output__direction": "moving_to_fixed"}, "output.direction", "have to be inverted first"),
    ({"output__unit": "unit"}, "output.align_corners", "means nothing without it"),
    ({"output__unit": "mm", "output__align_corners": False}, "output.align_corners", "no ends"),
    ({"output__unit": "mm", "output__quantity": "map"}, "output.unit", "an origin"),
    ({"output__unit": "mm", "input__spacing_mm": None}, "output.unit", "known spacing"),
]


@pytest.mark.parametrize(
    ("changes", "key", "says"), REFUSED, ids=[f"{n}-{key}" for n, (_, key, _) in enumerate(REFUSED)]
)
def test_what_is_not_allowed_is_named_with_what_is(
    changes: dict[str, Any], key: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        read(tmp_path, **changes)
    assert f"model.json: '{key}' " in caught.value.problem
    assert says in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[1]", r"it is \[1\]. Allowed: an object"),
        ('{"schema": NaN}', "NaN is not a number"),
        ('{"schema": "a", "schema": "b"}', "'schema' is there twice"),
        ("[" * 100_000, "nested too deeply"),
        ('"' + "a" * 1_000_001 + '"', "larger than 1 MB"),
    ],
    ids=["empty", "list", "NaN", "twice", "deep", "large"],
)
def test_what_is_no_manifest_is_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=says):
        read_manifest(path)


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.json cannot be read"):
        read_manifest(tmp_path / "nowhere.json")


def test_a_class_that_meets_the_contract_needs_neither_input_nor_output(tmp_path: Path) -> None:
    found = read(tmp_path, kind="python", **{"class": "Net"}, input=..., output=..., file="net.py")
    assert found.input is None and found.description().spacing_mm is None


def test_a_spec_made_in_code_is_held_to_the_same_rules() -> None:
    with pytest.raises(ValueError, match="means nothing without it"):
        OutputSpec(quantity=..., unit=Unit.UNIT, components=..., direction="fixed_to_moving")  # type: ignore[arg-type]
    assert InputSpec().images == ("moving", "fixed")
