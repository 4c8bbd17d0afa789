"""Fixtures for tests of the module's logic: the module loaded in the harness, small volumes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .phantom import FIXED, MOVING
from .scene_volumes import add_volume
from .small_result import PYTHON, write_result

MODULE = Path(__file__).resolve().parents[2] / "TTAUncertainty" / "TTAUncertainty.py"


@pytest.fixture
def module(desktop):
    """The module's file, loaded in the harness.

    Reloading the module makes the library's classes anew. The old ones are put back at the end,
    since the rest of the tests in this process hold on to them.
    """
    loaded = desktop.load_module(MODULE)
    before = _own_modules()
    yield loaded
    if any(sys.modules.get(name) is not module for name, module in before.items()):
        for name in _own_modules():
            del sys.modules[name]
        sys.modules.update(before)


def _own_modules():
    roots = ("TTAUncertaintyLib", "TTAUncertaintyPanel")
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] in roots}


@pytest.fixture
def logic(module):
    """The module's logic, closed at the end."""
    made = module.TTAUncertaintyLogic()
    run_by_this_python(made.machine)
    yield made
    made.close()


def run_by_this_python(machine):
    """Let networks be run by the Python that has PyTorch, on one thread."""
    machine.threads = 1
    if sys.executable != PYTHON:
        machine.python = PYTHON


@pytest.fixture
def pair(desktop):
    """A fixed and a moving volume on oblique, anisotropic lattices, some millimetres apart."""
    return add_volume("Köpfchen", FIXED), add_volume("bewegtes Köpfchen", MOVING, (3, -2, 2))


@pytest.fixture(scope="session")
def result_folder(tmp_path_factory):
    """A real result of the bundled network on the small phantoms; not to be changed."""
    made = os.environ.get("TTAUNCERTAINTY_TEST_RESULT")  # before Slicer started
    return Path(made) if made else write_result(tmp_path_factory.mktemp("bundle"))
