"""Whatever comes in: a value, or an error that a person is meant to read; and nothing changes.

`make test` looks at the same few examples every time, and at every file of `corpus/`. `make fuzz`
looks at many, and other ones every time; what it finds is put into `corpus/`, as small as it gets.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .doors import DOORS, Door
from .hostile import WHOLE, broken_bytes, json_bytes

CORPUS = Path(__file__).with_name("corpus")
CASES = sorted(path for path in CORPUS.glob("*/*") if path.parent.name in DOORS)


def come_in(door: Door, data: bytes, folder: Path) -> Exception | None:
    """Let bytes in; return what they raised that they should not, or None."""
    path = folder / door.file
    for name in door.beside:
        (folder / name).touch()
    path.write_bytes(data)
    before = {each.name for each in folder.iterdir()}
    try:
        door.read(path)
    except door.errors as error:
        assert str(error).strip()
    except Exception as error:
        return error
    assert {each.name for each in folder.iterdir()} == before
    assert path.read_bytes() == data
    return None


@pytest.mark.parametrize("name", DOORS)
def test_what_is_valid_comes_in(name: str, tmp_path: Path) -> None:
    """Else the mistakes would be made in what is refused at once."""
    door = DOORS[name]
    data = door.valid(tmp_path)
    if name in ("vxm-dense", "registrations"):  # valid only with what lies beside it
        return
    (tmp_path / "in").mkdir()
    for file in door.beside:
        (tmp_path / "in" / file).touch()
    path = tmp_path / "in" / door.file
    path.write_bytes(data)
    assert door.read(path) is not None


@pytest.mark.parametrize("name", DOORS)
def test_no_bytes_do_more_than_they_should(name: str, tmp_path: Path) -> None:
    door = DOORS[name]
    valid = door.valid(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    near = json_bytes(valid) if door.json else broken_bytes(valid)

    @settings(suppress_health_check=list(HealthCheck))
    @given(st.one_of(near, near, near, st.binary(max_size=60)))
    def looked_at(data: bytes) -> None:
        found = come_in(door, data, folder)
        if found is not None:
            _keep(name, data, found)
            raise found

    looked_at()


@pytest.mark.parametrize("name", DOORS)
def test_what_hurts_any_reader_hurts_none(name: str, tmp_path: Path) -> None:
    for text in WHOLE:
        found = come_in(DOORS[name], text.encode(), tmp_path)
        if found is not None:
            raise found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_what_was_found_once_is_mended(case: Path, tmp_path: Path) -> None:
    found = come_in(DOORS[case.parent.name], case.read_bytes(), tmp_path)
    if found is not None:
        raise found


def _keep(name: str, data: bytes, found: Exception) -> None:
    """Put a finding into the corpus; the last one of a kind, which is the smallest, stays."""
    if settings.default is not None and settings.default.derandomize:
        return
    frame = found.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    line = "" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
    kind = hashlib.sha256(f"{type(found).__name__} {line}".encode()).hexdigest()[:8]
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{type(found).__name__}-{kind}").write_bytes(data)
