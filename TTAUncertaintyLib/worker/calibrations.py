"""Which calibration a run uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..calibration import Calibration, head_mismatch, mismatch, read_calibration
from ..cues import Cue
from ..errors import InputError
from ..models.contract import describe
from .job import Job

if TYPE_CHECKING:
    from ..calibration import Head
    from ..engine import Engine


def choose_calibration(job: Job, engine: Engine) -> tuple[Calibration | Head | None, str]:
    """Return the calibration of a run; without one, why there is none.

    Raises
    ------
    InputError
        If a calibration was named that is not of this run.
    """
    if not job.use_calibration:
        return None, "No calibration was wanted."
    run = (
        describe(engine.model),
        engine.design.as_dict(),
        engine.pair.fixed_lattice.mean_spacing,
        job.reverse_pass,
    )
    from ..calibration import shipped_head

    if job.calibration is None:
        unfit = head_mismatch(engine.design.as_dict(), job.reverse_pass)
        return (shipped_head(), "") if unfit is None else (None, unfit)
    calibration = read_calibration(job.calibration)
    why = mismatch(calibration, *run)
    if why is not None:
        raise InputError(
            f"{job.calibration} does not hold for this run: {why}",
            "Run with its model and design, make one with 'ttauncertainty calibrate', or leave it "
            "out.",
        )
    if calibration.uses(Cue.EXPECTED) and calibration.head_sha256 != shipped_head().sha256:
        raise InputError(
            f"{job.calibration} adjusts the expected error of another version of this software.",
            "Make it again with 'ttauncertainty calibrate', or leave it out.",
        )
    return calibration, ""
