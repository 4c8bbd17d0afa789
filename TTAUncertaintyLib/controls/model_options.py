"""What was chosen of the models' options, as choices keep it: one line of JSON."""

from __future__ import annotations

import json
from typing import Any

from ..models import models
from ..strict_json import Unreadable, parse_json
from .control import OneOf, Row
from .option import Option


def options_of(model: str, kept: str) -> dict[str, str]:
    """Return what was chosen for a model, by option; defaults are left out.

    What a scene from elsewhere holds and the model does not know is left out too.
    """
    entry = models().get(model)
    own = _read(kept).get(model)
    return entry.description.differing(own) if entry is not None and isinstance(own, dict) else {}


def with_option(kept: str, model: str, name: str, value: str) -> str:
    """Return the line with one option of one model changed."""
    every = _read(kept)
    own = every.get(model)
    every[model] = {**(own if isinstance(own, dict) else {}), name: value}
    return json.dumps(every, sort_keys=True)


def option_rows(model: str, kept: str) -> tuple[Row, ...]:
    """Return a row for each option that a model has."""
    entry, chosen = models().get(model), options_of(model, kept)
    return tuple(
        Row(
            option.name,
            OneOf(option.title, option.help),
            chosen.get(option.name, option.default),
            options=tuple(Option(value, value) for value in option.choices),
        )
        for option in (() if entry is None else entry.description.options)
    )


def _read(kept: str) -> dict[str, Any]:
    try:
        every = parse_json(kept)
    except Unreadable:
        return {}
    return every if isinstance(every, dict) else {}
