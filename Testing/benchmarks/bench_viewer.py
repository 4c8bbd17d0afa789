"""The viewer in a headless browser: start to first picture, slider to picture, memory.

    python Testing/benchmarks/bench_viewer.py [RESULT]

Without a result the demo's is taken. Other work on the machine makes the numbers larger.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from playwright.sync_api import sync_playwright
from support.viewer_page import FLAGS, open_page, pixels, settled
from support.viewer_process import ViewerProcess

_CHROMIUM = "/usr/bin/chromium"
_STEPS = 12


def memory_mb(process: int) -> float:
    """Return the resident memory of a process (Linux)."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    result = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output/reference").resolve()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as api:
        browser = api.chromium.launch(executable_path=_CHROMIUM, args=FLAGS)
        began = time.perf_counter()
        with ViewerProcess(Path(folder), result) as viewer:
            print(f"address printed after        {time.perf_counter() - began:6.1f} s")
            page = open_page(browser, viewer.address, ".tta-cell")
            while pixels(page).max() < 200 or pixels(page).std() < 20:
                page.wait_for_timeout(50)
            print(f"start to first picture       {time.perf_counter() - began:6.1f} s")
            page.click(".tta-tab-map")
            settled(page)
            thumb = page.locator(".tta-opacity [role=slider]").first
            thumb.focus()
            times = []
            for step in range(_STEPS):
                before = pixels(page)
                pressed = time.perf_counter()
                thumb.press("End" if step % 2 else "Home")
                while np.abs(pixels(page) - before).mean() < 1:
                    pass
                times.append(time.perf_counter() - pressed)
                settled(page)
            print(f"slider to changed picture    {1000 * median(times):6.0f} ms (median)")
            print(f"                             {1000 * max(times):6.0f} ms (longest)")
            print(f"memory of the server         {memory_mb(viewer.process.pid):6.0f} MB")
        browser.close()


if __name__ == "__main__":
    main()
