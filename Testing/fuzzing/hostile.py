"""Bytes that are nearly right: valid ones with a few mistakes, of the kinds that hurt."""

from __future__ import annotations

import copy
import json
import struct
from typing import Any

from hypothesis import strategies as st

_NUMBERS = [0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, 5e-324, 0.5, float("nan")]
_TEXTS = ["", " ", "no", "true", "../x", "/etc/passwd", "C:\\x", "\0", "\x1b[2J", "\ud800", "脑"]
_DEEP: Any = []
for _ in range(200):
    _DEEP = [_DEEP]

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(_NUMBERS),
    st.integers(),
    st.floats(),
    st.sampled_from(_TEXTS),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
    st.just(_DEEP),
)


@st.composite
def json_bytes(draw: st.DrawFn, valid: bytes) -> bytes:
    """Return a JSON text with values exchanged, keys added, left out or there twice."""
    value = copy.deepcopy(json.loads(valid))
    for _ in range(draw(st.integers(0, 3))):
        value = _changed(draw, value)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 9)) == 0:
        text = draw(st.sampled_from(WHOLE))
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"]))
    data = text.encode(encoding, "surrogatepass" if "utf" in encoding else "replace")
    return draw(broken_bytes(data)) if draw(st.integers(0, 3)) == 0 else data


#: What hurts any reader of JSON.
WHOLE = [
    "",
    "null",
    "NaN",
    "[" * 5000,
    '{"a":' * 5000,
    '{"a": 1, "a": 2}',
    "1" * 5000,
    "1e999",
    "\ufeff\ufeff{}",
    '"\\ud800"',
]


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """Change something at a place that is drawn, level by level."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        what = draw(st.integers(0, 8))
        if what == 0:
            return {name: one for name, one in value.items() if name != key}
        if what == 1:
            return value | {draw(st.text(max_size=5)): draw(VALUES)}
        return value | {key: _changed(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        n = draw(st.integers(0, len(value) - 1))
        if draw(st.integers(0, 5)) == 0:
            return value[:n] + value[n + 1 :]
        return [*value[:n], _changed(draw, value[n]), *value[n + 1 :]]
    return draw(VALUES)


@st.composite
def broken_bytes(draw: st.DrawFn, valid: bytes) -> bytes:
    """Return bytes with some of them exchanged, lines among them, or with an end too early."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, max(0, min(len(data), 400) - 1)))
        what = draw(st.integers(0, 4))
        if what == 0:
            data[place : place + 1] = draw(st.binary(max_size=4))
        elif what == 1:
            number = draw(st.sampled_from([0, 1, -1, 2**15 - 1, -(2**15), 1200]))
            data[place : place + 2] = struct.pack("<h", number)
        elif what == 2:
            number = draw(st.sampled_from([0.0, -1.0, 1e30, float("nan"), float("inf")]))
            data[place : place + 4] = struct.pack("<f", number)
        elif what == 3:
            data = bytearray(_with_another_value(draw, bytes(data)))
        else:
            del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


def _with_another_value(draw: st.DrawFn, data: bytes) -> bytes:
    """Exchange what one line of a text header, or one field of a table, says."""
    head, blank, rest = data.partition(b"\n\n")
    lines = head.split(b"\n")
    n = draw(st.integers(0, len(lines) - 1))
    for mark in (b" = ", b": ", b","):
        if mark in lines[n]:
            begin = lines[n].split(mark)[0]
            said = draw(st.one_of(st.sampled_from(_SAID), st.text(max_size=12)))
            lines[n] = begin + mark + said.encode("utf-8", "replace")
            break
    return b"\n".join(lines) + blank + rest


_SAID = [
    "",
    "0",
    "-1",
    "nan nan nan",
    "1e999",
    "1200 1200 1200",
    "2 3",
    "1 2 3 4",
    "99999999999999999999",
    "double",
    "float",
    "MET_DOUBLE",
    "gzip",
    "bzip2",
    "ascii",
    "raw",
    "/etc/passwd",
    "LIST",
    "True",
    "(0,0,0) (0,0,0) (0,0,0)",
    "9",
    "1,2,3,4,5,6,7,8",
]
