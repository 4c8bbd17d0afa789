"""Points from files: Slicer's markups (.mrk.json, .fcsv) and CSV tables, and which belong together.

Whatever frame a file has, points come out in world LPS mm.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry.lattice import Lattice
from ..strict_json import NotAllowed, Unreadable, parse_json, read_as, read_text
from .landmarks import LandmarkPair, Point

#: What the columns of coordinates are called in a CSV file, and the file's frame. "x, y, z" are
#: ITK's, and so LPS; Slicer writes "r, a, s" or "l, p, s".
_COLUMNS = {("r", "a", "s"): "RAS", ("l", "p", "s"): "LPS", ("x", "y", "z"): "LPS"}
_NAMES = ("label", "name", "landmark")
#: Codes of Slicer's older files.
_FRAMES = {"0": "RAS", "1": "LPS", "RAS": "RAS", "LPS": "LPS"}
#: More than any study has placed by hand, and few enough for a table in a page.
MOST_LANDMARKS = 10_000
_FCSV_LABEL, _FCSV_STATUS, _FCSV_PLACED = 11, 14, "2"
#: Longer ones are cut.
_LONGEST_NAME = 200


@dataclass(frozen=True)
class NamedPoint:
    """A point as a file has it."""

    #: "" where the file gives none.
    name: str
    #: World LPS.
    position_lps_mm: Point


@dataclass(frozen=True)
class PairedLandmarks:
    """Points of two files that belong together."""

    #: In the order of the fixed image's file.
    pairs: tuple[LandmarkPair, ...]
    #: For a person: "by name", "by number" or "by order".
    how: str


def read_points(path: Path) -> tuple[NamedPoint, ...]:
    """Read the points of a file.

    Parameters
    ----------
    path
        Slicer's markups as JSON (.json) or .fcsv, in whichever frame they say; or .csv with a
        first line that names the columns: "label" (or "name") if points have names, and "r, a, s",
        "l, p, s" or "x, y, z", which are taken for LPS. Points that are not placed are left out.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no points, too many, or a name twice.
    """
    readers = {".json": _from_json, ".fcsv": _from_fcsv, ".csv": _from_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"{path} is no file of landmarks.", "Give Slicer's .mrk.json or .fcsv, or a .csv."
        )
    try:
        points = reader(path, read_text(path))
    except (Unreadable, NotAllowed) as error:
        said = str(error).rstrip(".")
        raise InputError(f"{path} cannot be read as landmarks: {said}.") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, csv.Error) as error:
        raise InputError(f"{path} is damaged, or holds something else than landmarks.") from error
    if not points:
        raise InputError(f"{path} holds no landmarks that are placed.")
    if not np.isfinite([point.position_lps_mm for point in points]).all():
        raise InputError(f"{path} holds a position that is not a number.")
    counted = Counter(point.name for point in points if point.name)
    twice = sorted(name for name, count in counted.items() if count > 1)
    if twice:
        raise InputError(
            f"{path} names {_listed(twice)} more than once.", "Give every landmark its own name."
        )
    return tuple(points)


def pair_points(fixed: Sequence[NamedPoint], moving: Sequence[NamedPoint]) -> PairedLandmarks:
    """Say which points of two files are the same anatomical place.

    Parameters
    ----------
    fixed, moving
        From `read_points`. Where all have names, names decide; where the names have nothing in
        common but a number at their end ("F-1" and "M-1"), that number does; where a file gives
        no names, the order.

    Raises
    ------
    InputError
        If a point of one file has no partner in the other one.
    """
    if len(fixed) != len(moving):
        missing = _unmatched([p.name for p in fixed], [p.name for p in moving])
        raise InputError(
            f"There are {len(fixed)} landmarks on the fixed image and {len(moving)} on the moving "
            f"one{missing}.",
            "Place every landmark on both images.",
        )
    if not (all(p.name for p in fixed) and all(p.name for p in moving)):
        return _paired(fixed, moving, "by order")
    keys = [p.name for p in fixed], [p.name for p in moving]
    how = "by name"
    if not set(keys[0]) & set(keys[1]):
        numbers = tuple([_number(name) for name in names] for names in keys)
        if all("" not in found and len(set(found)) == len(found) for found in numbers):
            keys, how = (numbers[0], numbers[1]), "by number"
    if set(keys[0]) != set(keys[1]):
        raise InputError(
            f"The landmarks do not have the same names on both images{_unmatched(*keys)}.",
            "Give the same place the same name in both files.",
        )
    partner = dict(zip(keys[1], moving, strict=True))
    return _paired(fixed, [partner[key] for key in keys[0]], how)


def check_inside(pairs: Sequence[LandmarkPair], fixed: Lattice, moving: Lattice) -> None:
    """Make sure that the points lie on their images, voxels taken as full boxes.

    Raises
    ------
    InputError
        If one does not: most often the frame of its file is not the one that it names.
    """
    for lattice, which in ((fixed, "fixed"), (moving, "moving")):
        points = [pair.fixed_lps_mm if which == "fixed" else pair.moving_lps_mm for pair in pairs]
        voxels = lattice.to_voxel(np.array(points, dtype=float).reshape(-1, 3))
        inside = np.all((voxels >= -0.5) & (voxels <= np.array(lattice.size) - 0.5), axis=1)
        outside = [
            pair.name for pair, there in zip(pairs, inside.tolist(), strict=True) if not there
        ]
        if outside:
            raise InputError(
                f"{len(outside)} of {len(pairs)} landmarks lie outside the {which} image: "
                f"{_listed(outside)}.",
                "Look whether the files are the right way round, and in the frame (RAS or LPS) "
                "that they name.",
            )


def _paired(fixed: Sequence[NamedPoint], moving: Sequence[NamedPoint], how: str) -> PairedLandmarks:
    pairs = tuple(
        LandmarkPair(one.name or f"{number}", one.position_lps_mm, other.position_lps_mm)
        for number, (one, other) in enumerate(zip(fixed, moving, strict=True), 1)
    )
    return PairedLandmarks(pairs, how)


def _number(name: str) -> str:
    """Return the digits at the end of a name without leading zeros; "" where there are none."""
    digits = name[len(name.rstrip("0123456789")) :]
    return digits and (digits.lstrip("0") or "0")


def _unmatched(fixed: Sequence[str], moving: Sequence[str]) -> str:
    """Return what one file has and the other has not, as the end of a sentence."""
    here, there = set(fixed), set(moving)
    only = [name for name in fixed if name and name not in there]
    others = [name for name in moving if name and name not in here]
    parts = [
        f"only on the {which}: {_listed(names)}"
        for which, names in (("fixed", only), ("moving", others))
        if names
    ]
    return f" ({'; '.join(parts)})" if parts else ""


def _listed(names: Sequence[str]) -> str:
    few = ", ".join(names[:5])
    return f"{few} and {len(names) - 5} more" if len(names) > 5 else few


def _named(text: str) -> str:
    """Return a name as it can be shown in a page and in a terminal."""
    return "".join(c for c in text.strip()[:_LONGEST_NAME] if c.isprintable()).strip()


def _in_lps(frame: str, values: Sequence[Any]) -> Point:
    x, y, z = (float(value) for value in values)
    return (-x, -y, z) if frame == "RAS" else (x, y, z)


@dataclass(frozen=True)
class _ControlPoint:
    """A point of Slicer's markups; what it has besides does not count here."""

    position: str | tuple[float, float, float] = ""  # text where it is not placed
    label: str = ""
    positionStatus: str = "defined"  # noqa: N815  (Slicer's key)


@dataclass(frozen=True)
class _Markups:
    """A list of them."""

    controlPoints: tuple[Any, ...]  # noqa: N815
    coordinateSystem: str | int = "LPS"  # noqa: N815
    coordinateUnits: str | tuple[str, ...] = "mm"  # noqa: N815


@dataclass(frozen=True)
class _Document:
    markups: tuple[Any, ...]


def _from_json(path: Path, content: str) -> list[NamedPoint]:
    lists = read_as(_Document, parse_json(content), others=True).markups
    if len(lists) != 1:
        raise InputError(f"{path} holds {len(lists)} lists of points.", "Save one list in a file.")
    markups = read_as(_Markups, lists[0], others=True)
    frame = _FRAMES.get(str(markups.coordinateSystem).upper())
    if frame is None:
        raise InputError(f"{path} has the frame {markups.coordinateSystem}, not RAS or LPS.")
    units = markups.coordinateUnits
    if "mm" not in ([units] if isinstance(units, str) else units):
        raise InputError(f"{path} is in {units}, not in mm.", "Save it in mm.")
    _check_count(path, len(markups.controlPoints))
    try:
        points = read_as(tuple[_ControlPoint, ...], markups.controlPoints, others=True)
        return [
            NamedPoint(_named(point.label), _in_lps(frame, _placed(number, point)))
            for number, point in enumerate(points)
            if point.positionStatus == "defined"
        ]
    except NotAllowed as error:
        raise error.below("controlPoints") from None


def _check_count(path: Path, count: int) -> None:
    """Refuse what would keep a person waiting, before it does."""
    if count > MOST_LANDMARKS:
        raise InputError(
            f"{path} holds more than {MOST_LANDMARKS} landmarks.",
            "Give those that a person has placed.",
        )


def _placed(number: int, point: _ControlPoint) -> tuple[float, float, float]:
    if isinstance(point.position, str):
        said = f'is "{point.position}"' if point.position else "is empty"
        raise NotAllowed(f"{said}.", "Allowed: a list of 3.", f"{number}.position")
    return point.position


def _from_fcsv(path: Path, content: str) -> list[NamedPoint]:
    lines = content.splitlines()
    frame: str | None = "LPS"  # what Slicer takes where the file does not say
    for line in lines:
        key, equals, value = line.lstrip("# ").partition("=")
        if line.startswith("#") and equals and key.strip() == "CoordinateSystem":
            frame = _FRAMES.get(value.strip().upper())
    if frame is None:
        raise InputError(f"{path} has a frame that is neither RAS nor LPS.")
    points: list[NamedPoint] = []
    _check_count(path, len(lines))
    for row in csv.reader(line for line in lines if line.strip() and not line.startswith("#")):
        status = row[_FCSV_STATUS] if len(row) > _FCSV_STATUS else _FCSV_PLACED
        if status == _FCSV_PLACED:
            name = _named(row[_FCSV_LABEL]) if len(row) > _FCSV_LABEL else ""
            points.append(NamedPoint(name, _in_lps(frame, row[1:4])))
    return points


def _from_csv(path: Path, content: str) -> list[NamedPoint]:
    separator = ";" if ";" in content.partition("\n")[0] else ","
    lines = content.splitlines()
    _check_count(path, len(lines) - 1)
    rows = csv.DictReader(lines, delimiter=separator)
    heads = {head.strip().lower(): head for head in rows.fieldnames or () if head}
    axes = next((axes for axes in _COLUMNS if all(axis in heads for axis in axes)), None)
    if axes is None:
        raise InputError(
            f"{path} has no columns of coordinates.",
            "Name them in its first line: label,r,a,s or label,l,p,s or label,x,y,z (LPS).",
        )
    named = next((heads[name] for name in _NAMES if name in heads), None)
    points = []
    for row in rows:
        if row.get(heads.get("defined", ""), "1") == "0":
            continue
        position = _in_lps(_COLUMNS[axes], [row[heads[axis]] for axis in axes])
        points.append(NamedPoint(_named(row[named] or "") if named else "", position))
    return points
