"""Takes the pictures of the page in the browser anew, from the demo's results.

    python Testing/screenshots/make_viewer_screenshots.py [FOLDER]

Needs the packages of `.[viewer,test,slicer]`, Chromium, and `make demo` before it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "Testing"), str(REPOSITORY), str(Path(__file__).parent)]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from playwright.sync_api import sync_playwright  # noqa: E402
from PySide6 import QtGui  # noqa: E402
from small_png import small_png  # noqa: E402
from support.viewer_page import FLAGS, open_page, settled  # noqa: E402
from support.viewer_process import ViewerProcess  # noqa: E402

MOST_BYTES = 400_000
_CHROMIUM = "/usr/bin/chromium"

#: Milliseconds that a busy machine may take to draw all views anew.
_REST_MS = 6000


def map_over_image(page: Any) -> None:
    """The four views."""
    page.click(".tta-tab-map")


def review(page: Any) -> None:
    """The worst place, judged."""
    page.click(".tta-tab-review")
    page.wait_for_selector(".tta-spots")
    page.keyboard.press("n")
    page.keyboard.press("c")
    page.wait_for_selector(".tta-spots .tta-check")
    page.wait_for_selector(".tta-verdicts-spot")


def side_by_side(page: Any) -> None:
    """Fixed, warped and map, on a light page."""
    page.click(".tta-tab-work")
    page.click(".tta-theme-button")
    page.keyboard.press("l")
    page.wait_for_selector(".tta-side-by-side")


def running(page: Any) -> None:
    """A run some passes in."""
    page.click(".tta-theme-button")
    page.keyboard.press("l")
    page.click(".tta-tab-run")
    page.click(".tta-run")
    page.wait_for_selector(".tta-stop:not([disabled])", timeout=1_800_000)
    page.wait_for_timeout(3000)


STOPS: dict[str, Callable[[Any], None]] = {
    "browser-map": map_over_image,
    "browser-review": review,
    "browser-side-by-side": side_by_side,
    "browser-running": running,
}


def main() -> int:
    """Go the whole way, with a picture at every stop."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "Resources" / "Screenshots"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as api:
        results = []
        for name in ("reference", "lesion"):  # copies: what is decided here is kept nowhere
            results.append(Path(folder) / name)
            shutil.copytree(REPOSITORY / "demo-output" / name, results[-1])
            (results[-1] / "review.json").unlink(missing_ok=True)  # of an earlier reviewer
        browser = api.chromium.launch(executable_path=_CHROMIUM, args=FLAGS)
        with ViewerProcess(Path(folder) / "viewer", *results) as viewer:
            page = open_page(browser, viewer.address, ".tta-cell")
            page.set_default_timeout(120_000)
            for name, stop in STOPS.items():
                stop(page)
                page.wait_for_timeout(_REST_MS)
                if name != "browser-running":
                    settled(page)
                image = QtGui.QImage.fromData(page.screenshot())
                png = small_png(image, MOST_BYTES)
                (target / f"{name}.png").write_bytes(png)
                print(f"{name}.png: {len(png) / 1000:.0f} kB", flush=True)
            page.click(".tta-cancel")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
