"""What a result's images and its folder are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any


def new_result_folder(parent: Path, moving: str, fixed: str) -> Path:
    """Return a folder that does not exist yet, named after the images and the time.

    Letters outside ASCII are left out of the name: some tools that a result may be opened with
    later cannot deal with them.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{moving} on {fixed}").strip("-.")[:80] or "result"
    stem = f"{plain}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    folder, number = parent / stem, 1
    while folder.exists():
        number += 1
        folder = parent / f"{stem}-{number}"
    return folder


def judged(record: Mapping[str, Any]) -> str:
    """Return whose registration a result is of: "elastix (B-spline), second opinion by LapIRN".

    Parameters
    ----------
    record
        Content of `result.json`.
    """
    model, audit = str(record["model"]["title"]), record.get("audit")
    return f"{audit['name']} ({audit['kind']}), second opinion by {model}" if audit else model


def suspicions(record: Mapping[str, Any]) -> str:
    """Return what speaks against a transform that was given, in sentences; empty for nothing."""
    return " ".join((record.get("audit") or {}).get("suspicions", ()))


def input_name(record: Mapping[str, Any], role: str) -> str:
    """Return what an input of a result is called; its file's name in a record that has no other.

    Parameters
    ----------
    record
        Content of `result.json`.
    """
    known = record["inputs"][role]
    return str(known.get("name") or Path(known["path"]).name.partition(".")[0])
