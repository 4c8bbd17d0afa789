"""The tables of docs/MODEL_MANIFEST.md, made from the dataclasses that read a manifest.

    python Testing/docs/manifest_tables.py

writes them into the document; a test tells when they are not the same any more.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING
from enum import Enum
from pathlib import Path
from typing import Any, get_type_hints

from TTAUncertaintyLib.models.manifest import InputSpec, Manifest, Normalisation, OutputSpec
from TTAUncertaintyLib.strict_json import allowed, is_needed, keys_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "MODEL_MANIFEST.md"
SECTIONS = {
    "manifest": Manifest,
    "input": InputSpec,
    "normalisation": Normalisation,
    "output": OutputSpec,
}


def table(section: type) -> str:
    """Return the table of a section's keys."""
    lines = ["| key | allowed | where absent | meaning |", "|---|---|---|---|"]
    hints = get_type_hints(section, include_extras=True)
    for name, each in keys_of(section).items():
        if "text" not in each.metadata:  # known otherwise: where the manifest lies
            continue
        absent = "has to be there"
        if not is_needed(each):
            absent = "`{}`" if each.default is MISSING else f"`{_json(each.default)}`"
        words = allowed(hints[each.name]).replace("|", "\\|")
        lines.append(f"| `{name}` | {words} | {absent} | {each.metadata['text']} |")
    return "\n".join(lines)


def _json(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Normalisation):
        value = {"kind": value.kind.value}
    return json.dumps(value)


def with_tables(text: str) -> str:
    """Return the document with its tables made anew."""
    for name, section in SECTIONS.items():
        marks = f"<!-- keys: {name} -->", "<!-- end -->"
        pattern = f"{re.escape(marks[0])}.*?{re.escape(marks[1])}"
        made = f"{marks[0]}\n\n{table(section)}\n\n{marks[1]}"
        text, count = re.subn(pattern, lambda _, made=made: made, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{DOCUMENT.name} has {count} places for the keys of {name}.")
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
