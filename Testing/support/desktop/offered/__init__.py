"""What PythonQt offers Python of each class: the names in names.json, and nothing else.

names.json is written by `read_headers` from the publishers' headers, and says of which versions.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

_FILE = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
_CLASSES: dict[str, dict[str, Any]] = _FILE["classes"]

#: In order: PythonQt looks for a property before it looks for a function.
_KINDS = ("properties", "constants", "methods", "signals", "values", "enums")

#: What PythonQt's own wrapper adds to every class; a name is an objectName.
_OF_ALL = {"className": "methods", "inherits": "methods", "help": "methods", "delete": "methods"}


def classes() -> list[str]:
    """Return the names of all classes of which it is known what they offer."""
    return list(_CLASSES)


@functools.cache
def offered(class_name: str) -> dict[str, str]:
    """Return all that a class offers with its bases: kind by name.

    The kind is "properties", "constants" (properties that cannot be written), "methods", "signals",
    "values" or "enums".
    """
    declared = _CLASSES[class_name]
    found: dict[str, str] = {}
    for base in reversed(declared["bases"]):
        found |= offered(base)
    for kind in reversed(_KINDS):
        names = (name.partition("(")[0] for name in declared.get(kind, []))
        hidden = ("properties", "constants") if kind not in ("properties", "constants") else ()
        found |= {name: kind for name in names if found.get(name) not in hidden}
    return found | _OF_ALL


@functools.cache
def signals(class_name: str) -> frozenset[str]:
    """Return the signatures of all signals that a class offers with its bases."""
    declared = _CLASSES[class_name]
    above = frozenset().union(*(signals(base) for base in declared["bases"]))
    return above | frozenset(declared.get("signals", []))
