"""Whatever is printed, no character of it commands the terminal.

Titles, names of files and notes come from elsewhere, and an escape sequence in one of them could
overwrite what was said, the question for consent above all. So it is the streams that are cleaned,
and not each text that goes to them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from .console import without_controls


class _Plain:
    """A stream whose text is written without controls; a carriage return is a progress bar's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write("\r".join(without_controls(part) for part in text.split("\r")))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def plain_output() -> Iterator[None]:
    """Write standard output and errors without controls meanwhile."""
    output: Any = _Plain(sys.stdout)
    errors: Any = _Plain(sys.stderr)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        yield
