"""A real browser without a window."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

_PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser")


@contextmanager
def chromium(flags: Sequence[str]) -> Iterator[Any]:
    """Start Chromium; skip the test that is running where there is none."""
    path = next((place for place in _PLACES if Path(place).exists()), None)
    if path is None:
        pytest.skip("NOT TESTED: there is no Chromium here (Debian package chromium).")
    made = _playwright().chromium.launch(executable_path=path, args=list(flags))
    yield made
    made.close()


def run_beside(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread: Playwright's loop keeps the main one for itself."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@cache
def _playwright() -> Any:
    """Return the one that a process can have."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="NOT TESTED: playwright is not installed."
    )
    started = api.sync_playwright().start()
    atexit.register(started.stop)
    return started
