"""A study has one client: the lock outlives no client, on this computer or another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from TTAUncertaintyLib.cohort import lock
from TTAUncertaintyLib.cohort.lock import StudyLock
from TTAUncertaintyLib.errors import OutputError
from TTAUncertaintyLib.processes import HOST


def held_by(file: Path, host: str, process: int) -> Path:
    file.write_text(json.dumps({"host": host, "computer": "there", "process": process}))
    return file


def gone() -> int:
    """Return the number of a process that is no more."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_it_goes_with_its_holder(tmp_path: Path) -> None:
    file = tmp_path / "client.lock"
    with StudyLock(file):
        assert json.loads(file.read_text())["process"] == os.getpid()
        with pytest.raises(OutputError, match=f"process {os.getpid()} on"), StudyLock(file):
            pass
        assert file.exists()  # who is refused takes nothing away
    assert list(tmp_path.iterdir()) == []


def test_a_killed_client_of_this_computer_is_given_up_at_once(tmp_path: Path) -> None:
    file = held_by(tmp_path / "client.lock", HOST, gone())
    with StudyLock(file):
        assert json.loads(file.read_text())["process"] == os.getpid()


def test_one_of_another_computer_is_believed_while_it_renews(tmp_path: Path) -> None:
    file = held_by(tmp_path / "client.lock", "another0", gone())
    with pytest.raises(OutputError, match=r"process .* on there"), StudyLock(file):
        pass
    then = file.stat().st_mtime - lock.GIVEN_UP_S - 5
    os.utime(file, (then, then))
    with StudyLock(file):
        assert json.loads(file.read_text())["host"] == HOST


def test_a_holder_that_was_given_up_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "RENEW_S", 0.05)
    file = tmp_path / "client.lock"
    with StudyLock(file) as mine:
        held_by(file, "another0", 1)
        assert mine.lost.wait(20)
    assert json.loads(file.read_text())["host"] == "another0"  # and leaves it to its holder


def test_a_damaged_lock_of_nobody_is_given_up_in_time(tmp_path: Path) -> None:
    file = tmp_path / "client.lock"
    file.write_text("\0 no JSON")
    with pytest.raises(OutputError), StudyLock(file):
        pass
    os.utime(file, (1, 1))
    with StudyLock(file):
        pass
