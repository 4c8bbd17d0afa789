"""Nothing that comes from elsewhere commands the terminal that it is printed on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from TTAUncertaintyLib.cli import main
from TTAUncertaintyLib.cli.console import plain_output

#: Clears the screen, writes over what was said, sets the window's title.
ESCAPES = "\x1b[2J\x1b[1;1HIt is safe\x1b]0;title\x07\x9b31m\x08"


def test_what_is_printed_has_no_controls_but_line_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with plain_output():
        print(f"Mine {ESCAPES}\tand\n", file=sys.stdout)
        print(f"Mine {ESCAPES}", file=sys.stderr)
        sys.stderr.writelines([ESCAPES])
    for said in capsys.readouterr():
        assert "It is safe" in said  # nothing is hidden
        assert not {c for c in said if c < " " or "\x7f" <= c <= "\x9f"} - {"\n", "\t"}


def test_a_progress_bar_still_goes_back_to_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with plain_output():
        print("\r1 of 2", end="", flush=True)
        assert sys.stdout.isatty() is False
    assert capsys.readouterr().out == "\r1 of 2"


def test_a_files_name_in_an_error_is_printed_without_its_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(tmp_path / f"no {ESCAPES}")]) == 2
    assert "\x1b" not in capsys.readouterr().err
