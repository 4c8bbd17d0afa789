"""Fixtures for tests of the panel, beside those of `module_desktop`: it is open, and has a pair."""

from __future__ import annotations

import pytest

from .module_desktop import run_by_this_python


@pytest.fixture
def panel(desktop, module):
    """The open panel; a run that a test left is ended with it."""
    widget = desktop.open("TTAUncertainty")
    run_by_this_python(widget.logic.machine)
    return widget


@pytest.fixture
def ready(desktop, panel, pair):
    """The open panel with a pair of volumes that it has chosen by itself."""
    desktop.process_events(0.05)
    assert panel.parameters.fixedVolume is pair[0]
    assert panel.parameters.movingVolume is pair[1]
    return panel
