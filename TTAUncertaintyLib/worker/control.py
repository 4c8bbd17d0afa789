"""How a worker is asked to stop, and how it notices that nobody is left to ask.

"stop" ends after the current pass and keeps what there is; "cancel" ends now and keeps nothing.
Both come as a line on standard input or as the content of a file. The end of standard input, or
the death of the parent process, means cancel.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

_POLL_SECONDS = 0.5


class Control:
    """Watches for requests in a thread of its own.

    Cancelling raises KeyboardInterrupt in the main thread, so that every `finally` on the way out
    cleans up, wherever the run is.

    Parameters
    ----------
    stdin
        Take requests from standard input.
    file
        Take requests from this file, should it appear.
    """

    def __init__(self, stdin: bool = False, file: Path | None = None) -> None:
        self._stop = threading.Event()
        self._cancelled = False
        self._file = file
        signal.signal(signal.SIGTERM, self._on_signal)
        if stdin:
            threading.Thread(target=self._watch_stdin, daemon=True).start()
        threading.Thread(
            target=self._watch_file_and_parent, args=(os.getppid(),), daemon=True
        ).start()

    @property
    def stop_requested(self) -> bool:
        """Whether to end after the current pass and keep what there is."""
        return self._stop.is_set()

    def request(self, word: str) -> None:
        """Act on "stop" or "cancel"; anything else is ignored."""
        if word == "stop":
            self._stop.set()
        elif word == "cancel" and not self._cancelled:
            self._cancelled = True
            _thread.interrupt_main()

    def _on_signal(self, *_: object) -> None:
        raise KeyboardInterrupt

    def _watch_stdin(self) -> None:
        for line in sys.stdin:
            self.request(line.strip())
        self.request("cancel")

    def _watch_file_and_parent(self, parent: int) -> None:
        while True:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self.request(self._file.read_text(encoding="ascii", errors="replace").strip())
            if os.getppid() != parent:
                self.request("cancel")
            time.sleep(_POLL_SECONDS)
