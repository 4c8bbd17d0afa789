"""Looking at processes from outside."""

from __future__ import annotations

import subprocess
import time


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


def wait_until_gone(pid: int, seconds: float = 3.0) -> bool:
    """Give a process some seconds to end; tell whether it did."""
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)
