"""What was chosen of the models' options, as the parameter node keeps it: one line of JSON."""

from __future__ import annotations

import json
from typing import Any

from TTAUncertaintyLib.models import models
from TTAUncertaintyLib.strict_json import Unreadable, parse_json


def options_of(choices: Any) -> dict[str, str]:
    """Return what was chosen for the chosen model, by option; defaults are left out.

    What a scene from elsewhere holds and the model does not know is left out too.
    """
    entry = models().get(choices.model)
    own = _read(choices.modelOptions).get(choices.model)
    return entry.description.differing(own) if entry is not None and isinstance(own, dict) else {}


def with_option(text: str, model: str, name: str, value: str) -> str:
    """Return the field's text with one option of one model changed."""
    every = _read(text)
    own = every.get(model)
    every[model] = {**(own if isinstance(own, dict) else {}), name: value}
    return json.dumps(every, sort_keys=True)


def _read(text: str) -> dict[str, Any]:
    try:
        every = parse_json(text)
    except Unreadable:
        return {}
    return every if isinstance(every, dict) else {}
