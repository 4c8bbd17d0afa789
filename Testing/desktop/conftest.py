"""The desktop that the tests of the module's panel run on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.desktop import Desktop


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    """Give a desktop without views, which is faster; what goes wrong unseen fails the test."""
    yield from _opened(views=False)


@pytest.fixture
def desktop_with_views() -> Iterator[Desktop]:
    """Give a desktop with slice and 3D views."""
    yield from _opened(views=True)


def _opened(views: bool) -> Iterator[Desktop]:
    pytest.importorskip(
        "slicer", reason="the desktop's tests need slicer-core: pip install .[slicer]"
    )
    pytest.importorskip(
        "PySide6", reason="the desktop's tests need PySide6-Essentials: pip install .[slicer]"
    )
    from support.desktop import Desktop

    with Desktop(views=views) as opened:
        yield opened
