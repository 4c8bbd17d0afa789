"""No modules import each other in a circle: what two of them need lies below both."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "TTAUncertaintyLib"

#: Modules that ask upwards, each for a reason. `wording` asks for the signature of `register`; the
#: sections of the viewer name the viewer that holds them as a type.
ASKS_UPWARDS = {"api.wording"}
NOT_YET = "viewer."


def modules() -> dict[str, Path]:
    return {
        ".".join(file.relative_to(LIBRARY).with_suffix("").parts): file
        for file in LIBRARY.rglob("*.py")
    }


def imported(name: str, source: str, known: set[str]) -> set[str]:
    """Return the modules that one imports, anywhere in it, for types too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*name.split(".")[: -node.level], *(node.module or "").split(".")]
            base = [part for part in base if part]
            for alias in node.names:
                inside = ".".join([*base, alias.name])
                found.add(inside if inside in known else ".".join(base))
    return (found & known) - {name}


def test_no_modules_import_each_other_in_a_circle() -> None:
    files = {
        name: file
        for name, file in modules().items()
        if file.name != "__init__.py" and not name.startswith(NOT_YET) and name not in ASKS_UPWARDS
    }
    graph = {n: imported(n, f.read_text(encoding="utf-8"), set(files)) for n, f in files.items()}
    assert len(graph) > 150 and sum(map(len, graph.values())) > 300
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_would_be_seen() -> None:
    known = {"models.registry", "store.store", "models.manifest"}
    below = "def models():\n    from ..store.store import WeightsStore"
    above = "if TYPE_CHECKING:\n    from ..models import manifest, registry"
    assert imported("models.registry", below, known) == {"store.store"}
    assert imported("store.store", above, known) == {"models.manifest", "models.registry"}
