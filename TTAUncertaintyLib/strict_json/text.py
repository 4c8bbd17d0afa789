"""Files and lines of text from outside into plain values, strictly and in bounded time."""

from __future__ import annotations

import codecs
import json
import math
import stat
from collections import Counter
from pathlib import Path
from typing import Any

#: Nobody's file of settings, verdicts or landmarks is larger.
MOST_BYTES = 16 << 20

#: Deeper is nobody's meaning, and code that walks through values would run out of stack.
_MOST_LEVELS = 64

_FOREIGN = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Unreadable(ValueError):  # noqa: N818  (caught at once, and told as an error of the room)
    """A file or a text that is not what it should be; the message is a clause, without a stop."""


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file, UTF-8 with or without its byte-order mark.

    Raises
    ------
    Unreadable
        If it is not there, no regular file, larger than it may be, or of another encoding.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, without an end
            raise Unreadable("it is not a file")
        with path.open("rb") as stream:
            data = stream.read(most_bytes + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    except ValueError as error:  # a path with a zero byte in it
        raise error if isinstance(error, Unreadable) else Unreadable(str(error)) from error
    if len(data) > most_bytes:
        raise Unreadable(f"it is larger than {most_bytes / 1e6:.3g} MB")
    return _decoded(data)


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """Return the JSON value of a file; see `read_text` and `parse_json`."""
    return parse_json(read_text(path, most_bytes))


def parse_json(text: str | bytes, nan: bool = False) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    text
        One value; bytes are UTF-8.
    nan
        Take NaN and Infinity for numbers, as Python writes them.

    Raises
    ------
    Unreadable
        If it is not JSON, a key is there twice, a number is not finite, or it is nested more
        deeply than any meaning is.
    """
    text = _decoded(text) if isinstance(text, bytes) else text
    try:
        value = json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=float if nan else _no_constant,
            parse_float=_finite,
        )
    except Unreadable:
        raise
    except RecursionError as error:
        raise Unreadable(_TOO_DEEP) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"it is not JSON ({error.msg}: {where})") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise Unreadable("it holds a number that is too long") from error
    if text.count("[") + text.count("{") > _MOST_LEVELS:
        _check_depth(value)
    return value


_TOO_DEEP = "it is nested too deeply"


def _decoded(data: bytes) -> str:
    for mark, name in _FOREIGN.items():
        if data.startswith(mark):
            raise Unreadable(f"it is {name} and not UTF-8")
    if b"\0" in data:
        raise Unreadable(f"it is not text (byte {data.index(0)} is zero)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8 (byte {error.start})") from error


def _check_depth(value: object) -> None:
    layer = [value]
    for _ in range(_MOST_LEVELS):
        deeper: list[object] = []
        for one in layer:
            if isinstance(one, dict):
                deeper.extend(one.values())
            elif isinstance(one, list):
                deeper.extend(one)
        if not deeper:
            return
        layer = deeper
    raise Unreadable(_TOO_DEEP)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object whose keys are there once: of two, one would be ignored without a word."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Unreadable(f"'{twice[:60]}' is there twice")
    return found


def _no_constant(text: str) -> float:
    raise Unreadable(f"{text} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Unreadable(f"{text[:60]} is larger than any number can be here")
    return number
