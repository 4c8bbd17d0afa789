"""Image files are looked at for brains in the background, one at a time, each once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from TTAUncertaintyLib.controls import brains_in_files
from TTAUncertaintyLib.controls.brains_in_files import BrainsInFiles
from TTAUncertaintyLib.sample_data import sample_pair

BRAINS, LUNGS = (
    (pair.fixed.path, pair.moving.path) for pair in map(sample_pair, ("reference", "lung"))
)


class Looking:
    """A screen that asks again whenever a file was read, and keeps the paths that were."""

    def __init__(self, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[Path] = []
        read_stored = brains_in_files.read_stored

        def noted(path: Path) -> Any:
            self.read.append(path)
            return read_stored(path)

        monkeypatch.setattr(brains_in_files, "read_stored", noted)
        self._clock = clock
        self._files = BrainsInFiles(clock, lambda: self.ask(*self.pair))
        self.ask(None, None)

    def ask(self, *pair: Path | None) -> None:
        self.pair = pair
        self.told = self._files.both(*pair)

    def told_of(self, *pair: Path | None) -> bool | None:
        """Return what is told of a pair in the end."""
        self.ask(*pair)
        for _ in range(2000):
            if not any(timer.active for timer in self._clock.timers):
                return self.told
            time.sleep(0.01)
            self._clock.tick()
        raise AssertionError("It does not come to an end.")


@pytest.fixture
def looking(clock: Any, monkeypatch: pytest.MonkeyPatch) -> Looking:
    return Looking(clock, monkeypatch)


def test_nothing_is_told_before_both_are_there(looking: Looking) -> None:
    assert looking.told_of(None, None) is None
    assert looking.told_of(LUNGS[0], None) is looking.told_of(None, LUNGS[1]) is None
    assert looking.told_of(*LUNGS) is False


def test_nothing_is_told_before_both_were_read(looking: Looking) -> None:
    looking.ask(*BRAINS)
    assert looking.told is None
    assert looking.told_of(*BRAINS) is True
    assert looking.told_of(BRAINS[0], LUNGS[0]) is False


def test_a_file_is_read_once_and_no_other_one_at_the_same_time(looking: Looking) -> None:
    looking.ask(*LUNGS)
    looking.ask(*LUNGS)
    looking.ask(LUNGS[1], BRAINS[0])
    looking.told_of(*BRAINS)
    looking.told_of(*BRAINS)
    assert looking.read == [LUNGS[0], *BRAINS]  # what was let go meanwhile is not read


@pytest.mark.parametrize("damaged", [b"Dear Sir or Madam", b""])
def test_of_a_file_that_cannot_be_read_nothing_is_told(
    looking: Looking, tmp_path: Path, damaged: bytes
) -> None:
    file = tmp_path / "letter.nii.gz"
    file.write_bytes(damaged)
    assert looking.told_of(LUNGS[0], file) is None
    assert looking.told_of(LUNGS[0], tmp_path / "gone.nii.gz") is None
    assert looking.told_of(*LUNGS) is False


def test_a_file_that_ends_too_early_tells_nothing(looking: Looking, tmp_path: Path) -> None:
    file = tmp_path / "cut.nii.gz"
    file.write_bytes(LUNGS[0].read_bytes()[:-100_000])
    assert looking.told_of(file, LUNGS[1]) is None
