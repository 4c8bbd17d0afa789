"""Fixtures for tests of the module's logic: the module loaded in the harness, small volumes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from .phantom import FIXED, MOVING, phantom, write_pair

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


def add_volume(name, lattice, shift_mm=(0, 0, 0)):
    """Add the phantom on a lattice (LPS) to the scene as a volume."""
    import slicer
    import slicer.util
    import vtk

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((np.diag([-1, -1, 1, 1]) @ lattice.matrix).ravel().tolist())
    node.SetIJKToRASMatrix(matrix)
    slicer.util.updateVolumeFromArray(node, phantom(lattice, shift_mm))
    return node


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
    )
    with Run(job) as run:
        state = run.wait(120)
    assert state.output is not None, state.problem + state.log
    return state.output
