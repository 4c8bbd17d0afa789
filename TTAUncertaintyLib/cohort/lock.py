"""One client at a time: a lock in the study's folder that outlives no client for long.

The file says who holds it; its holder renews it every few seconds. Whoever finds it not renewed
for a while takes over. How long ago that was is asked of the disk, by writing a file beside it, so
that the clocks of two computers need not agree.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import threading
import uuid
from pathlib import Path

from ..errors import OutputError
from ..processes import HOST, is_running

#: Seconds between two renewals, and after which nobody is believed to hold it any more.
RENEW_S, GIVEN_UP_S = 5.0, 60.0


class StudyLock:
    """Holds a study for this process. Use as a context manager.

    Parameters
    ----------
    file
        The lock; its folder is there.

    Raises
    ------
    OutputError
        On entering, if another client holds it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mine = json.dumps(
            {
                "host": HOST,
                "computer": platform.node(),
                "process": os.getpid(),
                "mark": uuid.uuid4().hex,
            }
        )
        self._ended = threading.Event()
        #: Set when somebody else has taken the lock: this client was thought dead.
        self.lost = threading.Event()

    def __enter__(self) -> StudyLock:
        """Take it."""
        while not self._create():
            self._take_over()
        threading.Thread(target=self._renew, name="study lock", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Let it go, where it is still ours."""
        self._ended.set()
        if self._read(self._file) == self._mine:
            self._file.unlink(missing_ok=True)

    def _create(self) -> bool:
        """Put a whole file in place, which only one of several can."""
        own = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex}")
        own.write_text(self._mine, encoding="utf-8")
        try:
            os.link(own, self._file)
        except FileExistsError:
            return False
        except OSError:  # a disk without hard links
            try:
                with self._file.open("x", encoding="utf-8") as stream:
                    stream.write(self._mine)
            except FileExistsError:
                return False
        finally:
            own.unlink(missing_ok=True)
        return True

    def _take_over(self) -> None:
        """Remove the lock of a client that is gone; refuse while it is there."""
        held = self._read(self._file)
        if held is None:
            return  # let go meanwhile
        holder = _holder(held)
        here = holder.get("host") == HOST
        process = holder.get("process")
        gone = here and isinstance(process, int) and not is_running(process)
        if not gone and self._age_s() < GIVEN_UP_S:
            raise OutputError(
                f"Another client is at work on this study: process {process} on "
                f"{holder.get('computer', 'another computer')}.",
                "Wait until it is done, or end it; a client that was killed elsewhere is given up "
                f"after {GIVEN_UP_S:.0f} s.",
            )
        # moved away under a name of our own: of two that find it given up, one moves it
        aside = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):
            self._file.rename(aside)
            if self._read(aside) != held:  # it was somebody's new one
                with contextlib.suppress(OSError):
                    os.link(aside, self._file)
            aside.unlink(missing_ok=True)

    def _age_s(self) -> float:
        """Return for how long it was not renewed, by the clock of its disk."""
        beside = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex}")
        try:
            beside.touch()
            return beside.stat().st_mtime - self._file.stat().st_mtime
        except FileNotFoundError:
            return 0.0
        finally:
            beside.unlink(missing_ok=True)

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_S):
            found = self._read(self._file)
            if found not in (self._mine, None, ""):
                self.lost.set()
                return
            with contextlib.suppress(OSError):  # a full disk, or one that is away for a moment
                if found is None:
                    self._create()
                else:
                    os.utime(self._file)  # by the clock of its disk

    @staticmethod
    def _read(file: Path) -> str | None:
        """Return what it says; None where there is none."""
        try:
            return file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError:
            return ""


def _holder(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
