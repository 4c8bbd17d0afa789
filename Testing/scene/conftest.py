"""The real scene, without the desktop, for every test of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("slicer", reason="NOT TESTED: slicer-core is not installed, no scene was made.")

from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.scene.stage import Stage


@pytest.fixture
def application() -> Iterator[SlicerApplication]:
    """A scene with logics and without views."""
    with SlicerApplication(views=False) as application:
        yield application


@pytest.fixture
def stage(application: SlicerApplication) -> Stage:
    return Stage(application.scene, application.application_logic)
