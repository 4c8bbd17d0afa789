"""The pages on networks of one's own: their examples run, their tables are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from manifest_tables import DOCUMENT, with_tables

ADD_A_NETWORK = Path(__file__).resolve().parents[2] / "docs" / "ADD_A_NETWORK.md"


def test_the_tables_of_keys_are_those_of_the_code() -> None:
    """If not: python Testing/docs/manifest_tables.py."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert with_tables(text) == text


def test_the_examples_run_in_order_and_find_the_known_shift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", ADD_A_NETWORK.read_text("utf-8"), re.DOTALL)
    assert len(examples) == 4
    names: dict[str, object] = {}
    for number, example in enumerate(examples):
        exec(compile(example, f"ADD_A_NETWORK.md, example {number + 1}", "exec"), names)
    said = capsys.readouterr().out
    assert "My network" in said
    found = re.search(r"moved by \[\s*(\S+)\s+(\S+)\s+(\S+?)\s*\] mm", said)
    assert found is not None
    # centres of mass on voxels of 4 mm
    assert [float(mm) for mm in found.groups()] == pytest.approx([6.0, -4.0, 2.0], abs=0.5)


def test_every_file_that_the_page_names_is_there() -> None:
    root = ADD_A_NETWORK.parents[1]
    text = ADD_A_NETWORK.read_text("utf-8") + DOCUMENT.read_text("utf-8")
    named = re.findall(r"`((?:TTAUncertaintyLib|Testing|docs)/[\w/.]+)`", text)
    assert named
    for path in named:
        if "NAME" not in path:
            assert (root / path).exists(), path
