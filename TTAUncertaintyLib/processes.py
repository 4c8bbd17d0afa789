"""Telling which processes of this computer still run."""

from __future__ import annotations

import hashlib
import os
import platform
import sys

#: This computer, in names that others may see on a disk that several share.
HOST = hashlib.sha256(platform.node().encode("utf-8", "replace")).hexdigest()[:8]


def is_running(process: int) -> bool:
    """Tell whether a process of this computer runs; in doubt, it does."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, process)  # to ask about it, no more
        if not handle:
            return bool(kernel.GetLastError() != 87)  # ERROR_INVALID_PARAMETER: there is none
        kernel.CloseHandle(handle)
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has a number that large
        return False
    except OSError:  # somebody else's
        return True
    return True
