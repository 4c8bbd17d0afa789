"""Every model and every kind of manifest has a case, so that none escapes the suite."""

from __future__ import annotations

import pytest
from support.zoo import CASES

from TTAUncertaintyLib.models.manifest import Kind
from TTAUncertaintyLib.models.registry import MODELS

COVERED = {name for case in CASES.values() for name in (case.name, *case.covers)}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_of_the_registry_has_a_case(name: str) -> None:
    assert name in COVERED, f"write Testing/support/zoo/{name.replace('-', '_')}.py"


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_every_kind_of_manifest_has_a_case(kind: Kind) -> None:
    assert kind.value in COVERED, f"write a case that covers the manifests of kind {kind.value}"


def test_every_case_is_held_to_something() -> None:
    for case in CASES.values():
        assert case.published is not None or case.recovery is not None, case.name
