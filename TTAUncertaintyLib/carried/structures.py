"""Structures of a label map: their numbers, names and colours, from the files that people have."""

from __future__ import annotations

import colorsys
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

Color = tuple[int, int, int]

_TOO_LARGE = 8 << 20

#: What the columns of a table are called, in lower case, without what is no letter.
_LABEL = ("labelvalue", "label", "index", "value", "id", "number")
_NAME = ("name", "structure", "labelname", "segment")
_RED, _GREEN, _BLUE = ("r", "red", "colorr"), ("g", "green", "colorg"), ("b", "blue", "colorb")

_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l", "lh": "rh", "rh": "lh"}


@dataclass(frozen=True)
class Structure:
    """One structure.

    Parameters
    ----------
    label
        Its number in the label map's file, above 0.
    name
        What it is called; "label 7" where nobody said.
    color
        Red, green, blue, 0 to 255.
    """

    label: int
    name: str
    color: Color


def named(labels: Iterable[int], known: Mapping[int, tuple[str, Color | None]]) -> list[Structure]:
    """Return structures for labels, by number; names and colours are made up where none are known.

    Parameters
    ----------
    labels
        Above 0.
    known
        Name and colour by label.
    """
    found = []
    for label in sorted(labels):
        name, color = known.get(label, ("", None))
        found.append(Structure(label, name or f"label {label}", color or _color(label)))
    return found


def _color(label: int) -> Color:
    """Return a colour: neighbouring numbers look different (the golden angle apart)."""
    rgb = colorsys.hsv_to_rgb(label * 0.618034 % 1, 0.45 + 0.15 * (label % 3), 0.95)
    return (round(255 * rgb[0]), round(255 * rgb[1]), round(255 * rgb[2]))


def other_side(name: str) -> str | None:
    """Return the name on the other side ("Left Thalamus" for "Right Thalamus"); None without one.

    A side is a word of its own: left, right, L, R, lh or rh, in any case.
    """
    words = re.split(r"([A-Za-z]+)", name)
    places = [n for n, word in enumerate(words) if word.lower() in _SIDES]
    if len(places) != 1:
        return None
    word = words[places[0]]
    other = _SIDES[word.lower()]
    words[places[0]] = other.upper() if word.isupper() else other
    if word[0].isupper():
        words[places[0]] = words[places[0]][0].upper() + words[places[0]][1:]
    return "".join(words)


def pairs(structures: Sequence[Structure]) -> list[tuple[int, int]]:
    """Return the places in a list of structures that are left and right of each other.

    Returns
    -------
    list of tuple
        (left, right) places, by the order of the left ones.
    """
    places = {structure.name.lower(): n for n, structure in enumerate(structures)}
    found = []
    for n, structure in enumerate(structures):
        name = structure.name
        is_left = any(w in ("left", "l", "lh") for w in re.findall(r"[a-z]+", name.lower()))
        partner = places.get((other_side(name) or "").lower())
        if is_left and partner is not None:
            found.append((n, partner))
    return found


def read_names(path: Path) -> dict[int, tuple[str, Color | None]]:
    """Read names, and colours where there are some, from a table.

    Parameters
    ----------
    path
        Slicer's colour table (.ctbl, .txt) or FreeSurfer's, whose lines are
        ``number name red green blue alpha``; or a TSV or CSV whose first line names its columns:
        one for the label (``label``, ``index``, ``LabelValue``), one for the ``name``, and where
        there are colours ``color`` (#RRGGBB) or ``r``, ``g``, ``b``.

    Raises
    ------
    InputError
        If it is missing, or no line of it gives a number and a name.
    """
    try:
        if path.stat().st_size > _TOO_LARGE:
            raise InputError(f"{path} is too large for a table of names.")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = _table(lines) or _color_table(lines)
    if not found:
        raise InputError(
            f"{path} gives no names of labels.",
            "Give a TSV or CSV with columns label and name, or Slicer's colour table: lines of "
            "number, name, red, green, blue, alpha.",
        )
    return found


def _table(lines: list[str]) -> dict[int, tuple[str, Color | None]]:
    """Read a table whose first line names its columns; empty where it is none."""
    if not lines:
        return {}
    rows = list(csv.reader(lines, delimiter="\t" if "\t" in lines[0] else ","))
    heads = [re.sub(r"[^a-z]", "", head.lower()) for head in rows[0]]
    label, name = _place(heads, _LABEL), _place(heads, _NAME)
    if label is None or name is None:
        return {}
    hexadecimal = _place(heads, ("color", "colour", "hex"))
    places = [_place(heads, column) for column in (_RED, _GREEN, _BLUE)]
    found: dict[int, tuple[str, Color | None]] = {}
    for row in rows[1:]:
        cells = dict(enumerate(cell.strip() for cell in row))
        number = _whole(cells.get(label, ""))
        if number is not None and number > 0:
            parts = [cells.get(place, "") for place in places if place is not None]
            if hexadecimal is not None:
                digits = cells.get(hexadecimal, "").lstrip("#")
                parts = [str(_from_hex(digits[n : n + 2])) for n in (0, 2, 4)]
            found[number] = (cells.get(name, ""), _rgb(parts))
    return found


def _color_table(lines: list[str]) -> dict[int, tuple[str, Color | None]]:
    found: dict[int, tuple[str, Color | None]] = {}
    for line in lines:
        words = line.split()
        number = _whole(words[0])
        if number is not None and number > 0 and len(words) >= 2:
            color = _rgb(words[-4:-1]) if len(words) >= 6 else None
            name = " ".join(words[1:-4] if len(words) >= 6 else words[1:])
            found[number] = (name, color)
    return found


def _place(heads: list[str], names: tuple[str, ...]) -> int | None:
    return next((heads.index(name) for name in names if name in heads), None)


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _from_hex(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return -1


def _rgb(parts: Sequence[str]) -> Color | None:
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    if len(numbers) != 3 or not all(0 <= number <= 255 for number in numbers):
        return None
    scale = 255 if max(numbers) <= 1 and any(number % 1 for number in numbers) else 1
    red, green, blue = (round(scale * number) for number in numbers)
    return red, green, blue
