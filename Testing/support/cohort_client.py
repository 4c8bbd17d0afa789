"""A client of a cohort in a process of its own, which can be killed, as its workers can."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from .cohort_pairs import until
from .processes import alive, wait_until_gone

_TESTING = Path(__file__).parents[1]

#: How the command of a process that registers ends.
_REGISTERING = "worker/__main__.py --stdin --stay"


class Client:
    """Runs the study `folder / "study"` of the table `folder / "in" / "pairs.tsv"`.

    Parameters
    ----------
    folder
        Where these lie.
    template
        What the stand-in for the registration gives; None registers for real.
    """

    def __init__(self, folder: Path, template: Path | None) -> None:
        self.study = folder / "study"
        self._how = [str(folder / "in" / "pairs.tsv"), str(self.study), str(folder / "stub")]
        self._how += ["" if template is None else str(template)]
        self.process: subprocess.Popen[str] | None = None

    def start(self, workers: int = 2, pace_s: float = 0.05) -> subprocess.Popen[str]:
        """Start it; `pace_s` is what the stand-in takes for a pair."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.cohort_pairs", *self._how, str(workers), str(pace_s)],
            cwd=_TESTING,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self.process

    def end(self) -> None:
        """End it, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def run_with_kills(self, pace_s: float = 0.05) -> int:
        """Do the study, with kills of a registering process, a worker of Dask, and the client.

        Returns
        -------
        int
            How many pairs were done when the client was killed; none of them is made again.
        """
        process = self.start(pace_s=pace_s)
        self._until_done(4)
        os.kill(self._registering()[0], signal.SIGKILL)
        self._until_done(4)
        below = descendants(process.pid)
        parents = {parent_of(pid) for pid in self._registering()}
        os.kill(next(pid for pid in parents if pid in below), signal.SIGKILL)
        self._until_done(4)
        left = descendants(process.pid)
        os.kill(process.pid, signal.SIGKILL)  # and its scheduler with it
        process.wait()
        assert all(wait_until_gone(pid, 30) for pid in left), [p for p in left if alive(p)]
        stamps = {path: path.stat().st_mtime_ns for path in self._done()}
        process = self.start()
        output, _ = process.communicate(timeout=7200)
        assert process.returncode == 0, output
        assert f"{len(stamps)} pairs are done already." in output
        assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
        return len(stamps)

    def _registering(self) -> list[int]:
        assert self.process is not None
        below = descendants(self.process.pid)
        return [pid for pid, text in below.items() if text.endswith(_REGISTERING)]

    def _done(self) -> list[Path]:
        return list((self.study / "pairs").glob("*/row.json"))

    def _until_done(self, more: int) -> None:
        at = len(self._done())
        until(lambda: len(self._done()) >= at + more and self._registering())


def descendants(root: int) -> dict[int, str]:
    """Return the processes below one, with what they run."""
    listed = subprocess.run(["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True)
    lines = [line.split(None, 2) for line in listed.stdout.splitlines()]
    children: dict[int, list[int]] = {}
    words = {}
    for pid, parent, text in lines:
        children.setdefault(int(parent), []).append(int(pid))
        words[int(pid)] = text.strip()
    found, todo = {}, list(children.get(root, []))
    while todo:
        pid = todo.pop()
        found[pid] = words[pid]
        todo += children.get(pid, [])
    return found


def parent_of(pid: int) -> int:
    """Return the process that started one."""
    done = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
    return int(done.stdout)
