"""`ttauncertainty view` where what it needs is not installed."""

from __future__ import annotations

import importlib.util

import pytest

from TTAUncertaintyLib.cli import main


def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if "trame" in name else found(name)
    )
    assert main(["view"]) == 7
    said = capsys.readouterr().err
    assert "trame_slicer" in said and "pip install 'ttauncertainty[viewer]'" in said
