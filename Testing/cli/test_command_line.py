"""The command line does what its help says, and ends with the status it names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.phantom import write_pair

from TTAUncertaintyLib.cli import main


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    fixed, moving = write_pair(tmp_path / "images")
    return [
        "run",
        "--fixed",
        str(fixed),
        "--moving",
        str(moving),
        "-o",
        str(tmp_path / "result"),
        "--threads",
        "1",
    ]


def test_run_then_info_show_the_same_summary(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--preset", "quick", "--keep-registrations"]) == 0
    shown = capsys.readouterr().out
    assert main(["info", str(tmp_path / "result")]) == 0
    again = capsys.readouterr().out
    assert again.strip() in shown
    assert "Total uncertainty, mm" in again
    assert "the other maps are uncertainties" in again
    assert "8 perturbed registrations" in again
    assert "10/10 passes" in shown
    assert str(tmp_path / "result" / "report.html") in shown


def test_a_run_with_a_tolerance_says_how_well_the_map_is_known(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--preset", "quick", "--tolerance", "20"]) == 0
    shown = capsys.readouterr().out
    assert "4 of 8 passes done" in shown
    assert "below the 20 mm asked for; stopped by itself" in shown
    assert main([*arguments, "--overwrite", "--tolerance", "-1"]) == 2
    assert "tolerance is -1.0" in capsys.readouterr().err


def test_a_refusal_goes_to_standard_error_with_its_status(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--outer", "7"]) == 2
    captured = capsys.readouterr()
    assert "Take 8 perturbations" in captured.err
    assert main([*arguments, "--model", "lapirn"]) == 3


def test_models_can_be_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    assert "pyramid-flow" in capsys.readouterr().out
    assert main(["models", "show", "lapirn"]) == 0
    assert "MIT" in capsys.readouterr().out
    assert main(["models", "show", "nothing"]) == 3


@pytest.mark.parametrize("command", [[], ["run"], ["info"], ["models"], ["demo"]])
def test_help_is_there_for_every_command(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert "usage: ttauncertainty" in capsys.readouterr().out


def test_ctrl_c_cancels_with_its_status_and_leaves_nothing(
    arguments: list[str], tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "TTAUncertaintyLib",
        *arguments,
        "--preset",
        "quick",
        "--sampling",
        "random",
        "--outer",
        "400",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    while "passes on" not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    began = time.monotonic()
    assert process.wait(timeout=10) == 130
    assert time.monotonic() - began < 6
    assert "nothing was written" in process.stderr.read()
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
