"""Nothing that comes from elsewhere commands the terminal that it is printed on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.manifests import write_manifest

from TTAUncertaintyLib.cli import main

#: Clears the screen, writes over what was said, sets the window's title.
ESCAPES = "\x1b[2J\x1b[1;1HIt is safe\x1b]0;title\x07\x9b31m\x08"


@pytest.mark.parametrize("command", [["models", "show"], ["models", "install"]])
def test_a_models_title_is_printed_without_its_controls(
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "net.pt"
    torch.save({}, path)
    spoiled = dict.fromkeys(("title", "purpose", "licence", "citation"), f"Mine {ESCAPES}")
    main([*command, str(write_manifest(tmp_path, path, **spoiled))])
    said = "".join(capsys.readouterr())
    assert "It is safe" in said
    assert not {c for c in said if c < " " or "\x7f" <= c <= "\x9f"} - {"\n"}


def test_a_files_name_in_an_error_is_printed_without_its_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(tmp_path / f"no {ESCAPES}")]) == 2
    assert "\x1b" not in capsys.readouterr().err
