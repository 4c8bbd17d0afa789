"""Commands where the packages that they need beyond the worker's are not installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from TTAUncertaintyLib.cli import main


@pytest.mark.parametrize(
    ("command", "module", "extra"),
    [
        (["view"], "trame_slicer", "viewer"),
        (["evaluate", "-o"], "scipy", "lab"),
        (["calibrate", "-o"], "scipy", "lab"),
        (["evaluate-result", "result", "--fixed-labels", "f", "--moving-labels", "m", "-o"],
         "jinja2", "lab"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    command: list[str],
    module: str,
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == module else found(name)
    )
    output = [str(tmp_path / "out")] if command[-1] == "-o" else []
    assert main([*command, *output]) == 7
    said = capsys.readouterr().err
    assert module in said and f"pip install 'ttauncertainty[{extra}]'" in said
    assert not (tmp_path / "out").exists()
