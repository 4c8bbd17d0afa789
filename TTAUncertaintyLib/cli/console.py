"""The terminal at the other end: of any encoding, or a pipe that closes, or nobody at all."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

#: What a shell reports of a program that SIGPIPE ended, and of one that Ctrl-C did.
PIPE_CLOSED, CANCELLED = 141, 130

#: How what is not ASCII is written where the terminal knows nothing else.
_PLAIN = {"…": "...", "±": "+/-", "–": "-", "×": "x", "·": "-", "²": "2", "³": "3", "°": " deg"}


@contextlib.contextmanager
def console() -> Iterator[None]:
    """Make standard output take every text, and exist."""
    for number in range(3):  # what is closed would be taken by the first file that is opened
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    codecs.register_error("tta-plain", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="tta-plain")
    yield


def let_go_of_output() -> None:
    """Send what is still to be written nowhere: whoever read it has gone."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def without_controls(text: str) -> str:
    """Return a text in which no character commands a terminal; line ends and tabs stay."""
    return "".join(
        c if c in "\n\t" or not (c < " " or "\x7f" <= c <= "\x9f") else f"\\x{ord(c):02x}"
        for c in text
    )


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    words = ""
    for character in error.object[error.start : error.end]:
        words += _PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode()
    return words, error.end


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
