"""The viewer as a person starts it: a process, its address, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

#: Seconds that a busy machine may take to start it, and to end it.
_STARTING_S, _ENDING_S = 300, 60


class ViewerProcess:
    """`ttauncertainty view` in a process of its own. Use as a context manager.

    Parameters
    ----------
    folder
        Where it runs.
    arguments
        Of the command.
    cache
        Of the weights store; the person's own where left out.

    Attributes
    ----------
    address
        With the token.
    temporary
        The folder in which it makes its private one.
    """

    def __init__(self, folder: Path, *arguments: str | Path, cache: Path | None = None) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)
        environment = os.environ | {"TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1"}
        if cache is not None:
            environment["TTAUNCERTAINTY_CACHE"] = str(cache)
        self._lines: list[str] = []
        self._ready = threading.Event()
        self.address = ""
        command = [sys.executable, "-m", "TTAUncertaintyLib", "view", "--no-browser", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> ViewerProcess:
        if not self._ready.wait(_STARTING_S) or not self.address:
            self.end()
            raise RuntimeError(f"The viewer did not start:\n{self.output}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def output(self) -> str:
        """What it has printed."""
        return "".join(self._lines)

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.address).query)["token"][0]

    @property
    def private_folders(self) -> list[Path]:
        return list(self.temporary.glob("ttauncertainty-view-*"))

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            if "http://" in line:
                self.address = line[line.index("http://") :].strip()
                self._ready.set()
        self._ready.set()
