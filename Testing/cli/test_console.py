"""Whatever is at the other end of the output, the command ends in words and with its status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "TTAUncertaintyLib"]


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "check": False} | options
    return subprocess.run([*COMMAND, *arguments], **settings)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("arguments", [("models", "list"), ("--help",)], ids=" ".join)
def test_a_reader_that_has_gone_ends_the_command_without_a_word(arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        # unbuffered, argparse itself would notice and say nothing
        ended = run(*arguments, stdout=write, env=os.environ | {"PYTHONUNBUFFERED": ""})
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_of_any_encoding_gets_every_text(encoding: str, tmp_path: Path) -> None:
    folder = tmp_path / "Köpfe … 脑"
    ended = run("info", str(folder), env=os.environ | {"PYTHONIOENCODING": encoding})
    assert ended.returncode == 2
    said = ended.stderr.decode(encoding)
    assert "is not a result folder" in said and "Traceback" not in said
    assert r"\u8111" in said  # what the terminal cannot show, by its number


def test_typography_becomes_plain_where_the_terminal_knows_no_other() -> None:
    code = (
        "from TTAUncertaintyLib.cli.console import console\n"
        "with console():\n    print('Reading … ±0.03 mm 脑')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert ended.stdout.decode("ascii").strip() == r"Reading ... +/-0.03 mm \u8111"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes them")
def test_closed_streams_are_no_mistake_and_a_full_disk_is_said() -> None:
    shell = " ".join(COMMAND)
    closed = subprocess.run(
        ["sh", "-c", f"{shell} models list <&- >&- 2>&-"], capture_output=True, check=False
    )
    assert (closed.returncode, closed.stdout, closed.stderr) == (0, b"", b"")
    if Path("/dev/full").exists():
        full = subprocess.run(
            ["sh", "-c", f"{shell} models list > /dev/full"], capture_output=True, check=False
        )
        assert (full.returncode, full.stderr) == (1, b"error: No space left on device.\n")


def test_no_file_name_commands_the_terminal() -> None:
    ended = run("info", "\x1b[2J\x9b31m")
    assert b"\x1b" not in ended.stderr and "\x9b" not in ended.stderr.decode()
    assert rb"\x1b[2J\x9b31m" in ended.stderr


def test_a_path_that_no_file_system_takes_is_said_in_words() -> None:
    ended = run("info", "x" * 300)
    assert ended.returncode == 1
    assert b"File name too long" in ended.stderr and b"Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_ctrl_c_while_it_is_still_importing_is_a_cancel() -> None:
    """The module that takes the longest is held up, so that the signal comes in its middle."""
    code = (
        "import sys, time\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'TTAUncertaintyLib.worker':\n"
        "            print('now', flush=True)\n"
        "            time.sleep(60)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from TTAUncertaintyLib.cli import main\n"
        "sys.exit(main(['models', 'list']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline() == b"now\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said) == (130, b"")
