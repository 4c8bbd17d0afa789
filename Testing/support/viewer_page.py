"""The viewer's page in a real browser: opening it, and looking at what is drawn."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from TTAUncertaintyLib.results import Bundle

#: Of Chromium, so that it runs anywhere and asks nobody.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: Milliseconds that a busy machine may take for anything on the page.
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Study:
    """Two results of the bundled network on a phantom, and the images."""

    worse: Bundle
    better: Bundle
    fixed: Path
    moving: Path


def open_page(browser: Any, address: str, ready: str) -> Any:
    """Open the page in a new browser context; wait until `ready` is there."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.wait_for_selector(ready)
    return page


def pixels(page: Any, selector: str = ".tta-cell") -> np.ndarray:
    """Return what is drawn in the first element that fits, int16 [height, width, 3]."""
    from PIL import Image
    from playwright.sync_api import Error

    try:
        shot = page.locator(selector).first.screenshot()
    except Error:  # the arrangement changed meanwhile: another element stands there by now
        shot = page.locator(selector).first.screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(np.int16)


def settled(page: Any, selector: str = ".tta-cell", least: float = 0.01) -> np.ndarray:
    """Return what is drawn once there is an image and it has stopped changing.

    Parameters
    ----------
    page, selector
        Where.
    least
        Share of bright pixels that makes an image: more than a title and a slider have. 0 where
        the view may be empty.
    """
    page.wait_for_selector(".tta-over", state="detached")
    end = time.monotonic() + PATIENCE_MS / 1000
    before = pixels(page, selector)
    while time.monotonic() < end:
        page.wait_for_timeout(300)
        now = pixels(page, selector)
        still = now.shape == before.shape and np.abs(now - before).mean() < 0.01
        if still and (now.max(axis=2) > 60).mean() > least:
            return now
        before = now
    raise AssertionError("The view stays empty, or does not come to rest.")


def drawn(
    page: Any,
    as_it_should: Callable[[np.ndarray], bool],
    what: str,
    selector: str = ".tta-cell",
    least: float = 0.01,
) -> np.ndarray:
    """Return what is drawn once it has come to rest as it should; fails if it never does.

    A view at rest alone says little: on a busy machine it may not have begun to follow.
    """
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        picture = settled(page, selector, least)
        if as_it_should(picture):
            return picture
        if time.monotonic() > end:
            raise AssertionError(f"{what}: colourfulness {colorfulness(picture):.2f}")


def colorfulness(picture: np.ndarray) -> float:
    """Return how far from grey the pixels are on average: a map has colours, an image has none."""
    return float((picture.max(axis=2) - picture.min(axis=2)).mean())
