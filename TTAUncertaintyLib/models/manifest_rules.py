"""What the texts of a manifest may be."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated

from ..strict_json import Matching

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_DIRECTIONS = ("RL", "AP", "SI")


def _is_inside(text: str) -> bool:
    """Tell whether a path stays below the folder that it starts from, on any system."""
    posix, windows = PurePosixPath(text), PureWindowsPath(text)
    if not posix.name or posix.is_absolute() or windows.drive or windows.root:
        return False
    return ".." not in windows.parts and "\0" not in text and "\\" not in text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_text(text: str) -> bool:
    """Tell whether a text can be shown in a terminal: an escape there is a command."""
    line = _one_line(text)
    return bool(line) and line.isprintable()


def _is_orientation(text: str) -> bool:
    """Tell whether three letters name three different anatomical axes."""
    axes = [axis for letter in text for axis in _DIRECTIONS if letter in axis]
    return len(text) == 3 and sorted(axes) == sorted(_DIRECTIONS)


Text = Annotated[str, Matching("text that is not empty, and nothing but text", _is_text, _one_line)]
Name = Annotated[
    str,
    Matching(
        "up to 64 small letters, digits, '.', '_' and '-', a letter or digit first", _WORD.fullmatch
    ),
]
File = Annotated[
    str,
    Matching("a file beside the manifest or in a folder below it, parted by '/'", _is_inside),
]
Sha256 = Annotated[str, Matching("64 hexadecimal digits", _SHA256.fullmatch, str.lower)]
ClassName = Annotated[str, Matching("the name of a class", _CLASS.fullmatch)]
Orientation = Annotated[
    str, Matching("one letter of each of R/L, A/P and S/I, such as RAS", _is_orientation)
]
