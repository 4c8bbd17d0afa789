"""A real result of the bundled network on the small phantoms, for tests that only look at one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: The interpreter that runs networks: this one, or in a real Slicer the one that started the tests.
PYTHON = os.environ.get("TTAUNCERTAINTY_TEST_PYTHON", sys.executable)


def write_result(folder: Path) -> Path:
    """Register the phantoms, and return the result's folder: its maps lie on the fixed image.

    Tests write into the maps at voxels of that image. Panel, page and scene have runs of their own
    whose maps lie on the network's lattice.
    """
    from TTAUncertaintyLib.perturbations import DesignRequest, Preset
    from TTAUncertaintyLib.results import Keep
    from TTAUncertaintyLib.worker.job import Job
    from TTAUncertaintyLib.worker.run import Run

    from .phantom import write_moving_labels, write_pair

    fixed, moving = write_pair(folder / "in")
    job = Job(
        fixed,
        moving,
        folder / "result",
        design=DesignRequest(Preset.QUICK),
        threads=1,
        keep=Keep.ALL,
        keep_registrations=True,
        use_calibration=False,
        moving_labels=write_moving_labels(folder / "in" / "labels.seg.nrrd"),
    )
    with Run(job) as run:
        state = run.wait(600)
    assert state.output is not None, state.problem + state.log
    return state.output
