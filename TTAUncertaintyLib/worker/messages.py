"""What a worker says: one JSON object a line, ASCII only, each with a "type".

| type | further keys |
|---|---|
| `started` | `pid`, `version` |
| `phase` | `phase`: reading, aligning, registering, inverse, perturbing, writing |
| `progress` | `phase`, `done`, `total`, `perturbed`, `elapsed_s`, `left_s` (or null), `device` |
| `note` | `text`: something the person should know |
| `finished` | `output`: the folder; `complete`: whether every pass was made |
| `failed` | `problem`, `remedy`, `exit_code` |
| `cancelled` | |

The last line is always `finished`, `failed` or `cancelled`, unless the process was killed.
"""

from __future__ import annotations

import json
from typing import Any, TextIO

ENDINGS = ("finished", "failed", "cancelled")

Message = dict[str, Any]


class Voice:
    """Writes messages to a stream, a line each, at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, kind: str, **content: Any) -> None:
        """Write one message."""
        line = json.dumps({"type": kind} | content, ensure_ascii=True)
        self._stream.write(line + "\n")
        self._stream.flush()


class LineReader:
    """Puts messages together from output that arrives in fragments."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> list[Message]:
        """Take a fragment; return the messages that it completes. Other lines are left out."""
        *lines, self._rest = (self._rest + text).split("\n")
        return [message for line in lines if (message := parse(line)) is not None]


def parse(line: str) -> Message | None:
    """Return the message in a line, or None if the line is something else."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None
