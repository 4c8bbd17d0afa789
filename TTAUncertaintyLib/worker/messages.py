"""What a worker says: one JSON object a line, ASCII only, each with a "type".

| type | further keys |
|---|---|
| `started` | `pid`, `version` |
| `heartbeat` | nothing: it is still there; every two seconds |
| `phase` | `phase`: reading, aligning, registering, inverse, perturbing, writing |
| `progress` | `phase`, `done`, `total`, `perturbed`, `elapsed_s`, `left_s` (or null), `device` |
| `preview` | `perturbed`, `total` (file, or null), `warped` (file) |
| `note` | `text`: something the person should know |
| `finished` | `output`: the folder; `complete`: whether every pass was made, or it converged |
| `failed` | `problem`, `remedy`, `exit_code` |
| `cancelled` | |

`progress` has `standard_error` too: null before three perturbations are complete, then an object
with `mm` and `fraction`: how well the map is known so far (see `engine.Convergence`).

The last line of a job is always `finished`, `failed` or `cancelled`, unless the process was killed.
A process that stays for the next job then says `idle`, on standard error too: whatever either pipe
brought before it is of the job that is over. After `finished` the result can be used. Its report is
written then, while the next job may be under way, and `report` says so, with its `output`: `made`
is false where there is none.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, TextIO

from ..strict_json import Unreadable, parse_json

ENDINGS = ("finished", "failed", "cancelled")

#: Between two jobs.
IDLE = "idle"

#: After `finished`, when the report is written, or is not going to be.
REPORT = "report"

#: Seconds between two signs of life.
HEARTBEAT_S = 2.0

#: A line longer than this is no message, and is not waited for.
_LONGEST_LINE = 1 << 20

Message = dict[str, Any]


class Voice:
    """Writes a job's messages to a stream, a line each, at once; from any thread.

    None comes after the last.
    """

    #: Of all voices: that of a report may share its stream with that of the next job.
    _lock = threading.Lock()

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._ended = threading.Event()

    def say(self, kind: str, **content: Any) -> None:
        """Write one message; after one that ends a run, nothing is written any more."""
        line = json.dumps({"type": kind} | content, ensure_ascii=True)
        with self._lock:
            if self._ended.is_set():
                return
            if kind in ENDINGS:
                self._ended.set()
            self._stream.write(line + "\n")
            self._stream.flush()

    def beat(self) -> None:
        """Say "heartbeat" from now on, in a thread of its own, until the end."""

        def beat() -> None:
            while not self._ended.wait(HEARTBEAT_S):
                try:
                    self.say("heartbeat")
                except (OSError, ValueError):  # nobody listens any more
                    return

        threading.Thread(target=beat, name="heartbeat", daemon=True).start()


class LineReader:
    """Puts messages together from output that arrives in fragments.

    Parameters
    ----------
    other
        Takes every line that is not a message; empty ones are left out.
    messages
        False where none are expected, and every line is another line.
    """

    def __init__(self, other: Callable[[str], None] | None = None, messages: bool = True) -> None:
        self._other = other
        self._expect = messages
        self._rest = ""

    def feed(self, text: str) -> list[Message]:
        """Take a fragment; return the messages that it completes."""
        *lines, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest[:_LONGEST_LINE])
            self._rest = ""
        found = []
        for line in lines:
            message = parse(line) if self._expect else None
            if message is not None:
                found.append(message)
            elif self._other is not None and line.strip():
                self._other(line.rstrip()[:1000])
        return found


def parse(line: str) -> Message | None:
    """Return the message in a line, or None if the line is something else."""
    try:
        message = parse_json(line, nan=True)
    except Unreadable:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None
