"""Text from outside becomes a value of the type that was asked for, or an error in words."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from TTAUncertaintyLib.strict_json import (
    Between,
    NotAllowed,
    OneOf,
    OrNan,
    Unreadable,
    allowed,
    key,
    parse_json,
    read_as,
    read_json,
    read_text,
    take_version,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from(["", "\ufeff"]), st.booleans())
def test_what_json_can_say_comes_back(value: Any, mark: str, plain: bool) -> None:
    text = mark + json.dumps(value, ensure_ascii=plain, indent=1).replace("\n", "\r\n")
    assert parse_json(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{} {}", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 65 + "]" * 65, "nested too deeply"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is there twice"),
        ("[NaN]", "NaN is not a number"),
        ("-Infinity", "-Infinity is not a number"),
        ("1e400", "1e400 is larger"),
        ("1" * 5000, "too long"),
        ("{}".encode("utf-16"), "UTF-16"),
        ("{}".encode("utf-32"), "UTF-32"),
        ('"Höcker"'.encode("latin-1"), "not UTF-8"),
        (b'{"a": 1}\0', "byte 8 is zero"),
    ],
    ids=str,
)
def test_what_is_not_json_is_said(text: str | bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        parse_json(text)


def test_as_deep_as_a_meaning_may_be_is_read() -> None:
    assert parse_json("[" * 64 + "]" * 64)
    assert math.isnan(parse_json("[NaN]", nan=True)[0])


def test_only_a_regular_file_of_a_sensible_size_is_read(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        read_text(tmp_path / "none")
    with pytest.raises(Unreadable, match="not a file"):
        read_text(tmp_path)
    with pytest.raises(Unreadable, match="null"):
        read_text(tmp_path / "a\0b")
    with pytest.raises(Unreadable, match="name too long"):
        read_text(tmp_path / ("x" * 300))
    path = tmp_path / "large.json"
    path.write_text(" " * 1000 + "1")
    assert read_json(path) == 1
    with pytest.raises(Unreadable, match="larger than"):
        read_json(path, most_bytes=1000)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(Unreadable, match="not a file"):  # and is not waited for
            read_text(tmp_path / "pipe")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    weight: Annotated[float, Between(0, 1)]
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Outer:
    path: Path
    class_name: str = key("A key that no field can be called.", name="class")
    flag: bool = False
    count: int | None = None
    color: Color = Color.RED
    size: tuple[int, int] = (1, 1)
    inner: Inner | None = None
    by_name: Mapping[str, Inner] = key("More of them.", dict)
    order: Annotated[tuple[str, str], OneOf(("a", "b"), ("b", "a"))] = ("a", "b")
    measured: Annotated[float, OrNan()] = 0.0
    loose: str | tuple[float, ...] = ""


def test_what_fits_becomes_the_dataclass() -> None:
    found = read_as(
        Outer,
        {
            "class": "C",
            "path": "a/b",
            "flag": True,
            "color": "blue",
            "size": [3, 4],
            "inner": {"weight": 1, "names": ["x"]},
            "by_name": {"k": {"weight": 0.5}},
            "order": ["b", "a"],
            "measured": None,
            "loose": [1, 2.5],
        },
    )
    assert found.path == Path("a/b") and found.color is Color.BLUE and found.size == (3, 4)
    assert found.inner == Inner(1.0, ("x",)) and found.by_name == {"k": Inner(0.5)}
    assert found.order == ("b", "a") and math.isnan(found.measured) and found.loose == (1.0, 2.5)
    assert read_as(Outer, {"class": "C", "more": 1}, others=True, path=Path("known")).count is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"more": 1}, "'more' is not a key here. Allowed: path, class"),
        ({"path": ...}, "'path' is missing. Allowed: a path"),
        ({"path": ""}, "'path' is \"\""),
        ({"path": "a\0"}, "'path' is"),
        ({"class": None}, "'class' is null. Allowed: text"),
        ({"class": "\ud800"}, "'class' holds half a character"),
        ({"flag": "no"}, "'flag' is \"no\". Allowed: true or false"),
        ({"flag": 0}, "'flag' is 0"),
        ({"count": True}, "'count' is true. Allowed: a whole number, or null"),
        ({"count": 1.0}, "'count' is 1.0"),
        ({"color": "RED"}, '\'color\' is "RED". Allowed: "red" or "blue"'),
        ({"color": ["red"]}, "'color' is"),
        ({"size": [1]}, "'size' is [1]. Allowed: a list of 2, each a whole number"),
        ({"size": [1, True]}, "'size' is [1, true]"),
        ({"inner": {"weight": 1.5}}, "'inner.weight' is 1.5. Allowed: a number from 0 to 1"),
        ({"inner": {"weight": 10**400}}, "'inner.weight' is 1000"),
        ({"inner": {"weight": True}}, "'inner.weight' is true"),
        ({"inner": []}, "'inner' is []. Allowed: an object, or null"),
        ({"inner": {"weight": 1, "names": "x"}}, "'inner.names' is \"x\""),
        ({"by_name": {"k": {}}}, "'by_name.k.weight' is missing"),
        ({"order": ["a", "a"]}, '\'order\' is ["a", "a"]. Allowed: ["a", "b"] or ["b", "a"]'),
        ({"measured": "1"}, "'measured' is"),
        ({"loose": [1, "x"]}, "'loose' is"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_named_with_what_would(change: dict[str, Any], says: str) -> None:
    values = {"path": "p", "class": "C"} | change
    values = {name: value for name, value in values.items() if value is not ...}
    with pytest.raises(NotAllowed) as caught:
        read_as(Outer, values)
    assert says in str(caught.value).replace("  ", " ")


@given(VALUES)
def test_no_value_is_anything_but_taken_or_refused(value: Any) -> None:
    for kind in (Outer, Inner, dict[str, bool], tuple[float, ...], int | str, Color, Path):
        try:
            read_as(kind, value)  # type: ignore[arg-type]
        except NotAllowed as error:
            assert str(error)
        assert allowed(kind)


@pytest.mark.parametrize("version", [None, True, "1", 0, 1.0, 3], ids=str)
def test_a_version_that_is_not_known_is_refused(version: object) -> None:
    with pytest.raises(NotAllowed, match="schema_version"):
        take_version({"schema_version": version}, 2)
    with pytest.raises(NotAllowed):
        take_version([version], 2)
    assert take_version({"schema_version": 2, "a": 1}, 2) == {"a": 1}
