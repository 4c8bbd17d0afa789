"""A model of one's own that is a program, installed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from TTAUncertaintyLib.geometry import sha256
from TTAUncertaintyLib.store import Verdict, WeightsStore
from TTAUncertaintyLib.store.record import Record

NAME = "my-program"

#: What it does wherever it is run.
CODE = "raise SystemExit('it ran')\n"


def install_program(folder: Path, cache: Path, trusted: bool) -> Path:
    """Install a program, nothing of which has run; returns the manifest that it came from.

    Parameters
    ----------
    folder
        Where its files are written.
    cache
        Of the store.
    trusted
        Whether the record says that the person agreed to run it.
    """
    folder.mkdir(parents=True)
    code = folder / "program.py"
    code.write_text(CODE)
    manifest = folder / "model.json"
    values = {
        "schema": "ttauncertainty-model/1",
        "name": NAME,
        "title": "My program",
        "purpose": "A test.",
        "licence": "Apache-2.0",
        "citation": "Nobody.",
        "kind": "python",
        "file": code.name,
        "sha256": sha256(code),
        "class": "Mine",
    }
    manifest.write_text(json.dumps(values))
    store = WeightsStore(cache, check=lambda *_: Verdict(True))
    installed = store.install_own(manifest, trust_code=True)
    record = installed.path.with_name("record.json")
    replace(Record.read(record), trusted=trusted).write(record)
    return manifest
