"""The desktop that the tests of the module's panel run on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.desktop import Desktop

pytest.importorskip("slicer", reason="the desktop needs slicer: pip install .[slicer]")

IN_SLICER = "PythonQt" in sys.modules


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    """Give a desktop without views, which is faster; what goes wrong unseen fails the test."""
    yield from _opened(views=False)


@pytest.fixture
def desktop_with_views() -> Iterator[Desktop]:
    """Give a desktop with slice and 3D views."""
    yield from _opened(views=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip in a real Slicer what is about the stand-ins."""
    if IN_SLICER and item.get_closest_marker("stand_ins"):
        pytest.skip("about the stand-ins, which are not used in a real Slicer")


def _opened(views: bool) -> Iterator[Desktop]:
    if not IN_SLICER:
        pytest.importorskip("PySide6", reason="the desktop needs PySide6: pip install .[slicer]")
    from support.desktop import Desktop

    with Desktop(views=views) as opened:
        yield opened
