"""Fixtures for tests of the module's logic: the module loaded in the harness, small volumes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .phantom import FIXED, MOVING, write_pair
from .scene_volumes import add_volume

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
    made.machine.threads = 1
    yield made
    made.close()


@pytest.fixture
def pair(desktop):
    """A fixed and a moving volume on oblique, anisotropic lattices, some millimetres apart."""
    return add_volume("Köpfchen", FIXED), add_volume("bewegtes Köpfchen", MOVING, (3, -2, 2))


@pytest.fixture(scope="session")
def result_folder(tmp_path_factory):
    """A real result of the bundled network on the small phantoms; not to be changed."""
    from TTAUncertaintyLib.perturbations import DesignRequest, Preset
    from TTAUncertaintyLib.worker.job import Job
    from TTAUncertaintyLib.worker.run import Run

    folder = tmp_path_factory.mktemp("bundle")
    fixed, moving = write_pair(folder / "in")
    job = Job(
        fixed,
        moving,
        folder / "result",
        design=DesignRequest(Preset.QUICK),
        threads=1,
        keep_registrations=True,
        use_calibration=False,
    )
    with Run(job) as run:
        state = run.wait(120)
    assert state.output is not None, state.problem + state.log
    return state.output
