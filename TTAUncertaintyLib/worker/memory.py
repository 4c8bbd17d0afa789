"""Whether the computer's memory is wanted by others than a process that waits."""

from __future__ import annotations

import sys
from pathlib import Path

#: A waiting process gives its memory back where less than this share of all is available.
LEAST_AVAILABLE = 0.1

_MEMINFO = Path("/proc/meminfo")


def memory_is_wanted() -> bool:
    """Tell whether memory runs short; where that cannot be told, it does not."""
    available = available_memory()
    return available is not None and available < LEAST_AVAILABLE


def available_memory() -> float | None:
    """Return the share of the computer's memory that programs could have, 0 to 1.

    Returns
    -------
    float or None
        None where the system does not say (macOS has no such figure).
    """
    if sys.platform == "win32":
        import ctypes

        # MEMORYSTATUSEX: two DWORDs, the second the load in per cent, and seven 64-bit sizes
        status = (ctypes.c_uint32 * 16)(64)
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return None
        return 1 - status[1] / 100
    try:
        lines = [x.split() for x in _MEMINFO.read_text(encoding="ascii").splitlines()]
        kilobytes = {name: int(number) for name, number, *_unit in lines}
        return kilobytes["MemAvailable:"] / kilobytes["MemTotal:"]
    except (OSError, ValueError, KeyError, IndexError, ZeroDivisionError):
        return None
