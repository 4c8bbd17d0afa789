"""Auditing a registration that was made elsewhere, with the network's as the second opinion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..auditing import SecondOpinion, check_direction, check_meets
from ..auditing.calibrated import find_audit_calibration
from ..calibration import CalibratedMaps, Calibration, apply
from ..engine import Engine, Outcome
from ..errors import InputError
from ..geometry import Image
from ..geometry.given_transform import read_given_transform
from ..models.contract import describe
from ..results import Findings
from ..results.audited import audit_record, find_audited, joined
from ..review.landmarks import point_map
from .job import Job


class AuditWork:
    """The audit of a job that names a transform.

    Raises
    ------
    InputError
        If a file is no transform, or it sends hardly anything of the fixed image into the moving
        one.
    """

    def __init__(self, job: Job, fixed: Image, moving: Image, region: NDArray[np.bool_]) -> None:
        self._parts = tuple(read_given_transform(path) for path in job.transform)
        self._back = tuple(read_given_transform(path) for path in job.inverse_transform)
        self._given = joined(self._parts)
        self._name = job.transform_name
        self._fixed, self._moving, self._region = fixed, moving, region
        check_meets(self._given, fixed, moving, region)

    def find(
        self, engine: Engine, outcome: Outcome, own: CalibratedMaps | None
    ) -> tuple[Findings, Calibration | None, str]:
        """Return the findings, the calibration of their expected error, and why there is none.

        Parameters
        ----------
        engine, outcome
            The network's, after its passes.
        own
            Its expected error; None without a calibration.
        """
        opinion = SecondOpinion(self._given, outcome, engine.pair, own)
        calibration, why = None, "The second opinion is not calibrated itself."
        if own is not None:
            calibration = find_audit_calibration(
                describe(engine.model),
                engine.design.as_dict(),
                engine.pair.fixed_lattice.mean_spacing,
            )
            why = "" if calibration else "There is no calibration of this second opinion."
        calibrated = None if calibration is None else apply(calibration, opinion.cues)
        back = joined(self._back) if self._back else None
        findings = find_audited(opinion, back, self._fixed, self._moving, self._region, calibrated)
        return findings, calibration, why

    def record(self, findings: Findings, outcome: Outcome) -> dict[str, Any]:
        """Return what is recorded of the audit."""
        suspicion = check_direction(
            self._given,
            point_map(outcome.transform().to_itk()),
            self._fixed,
            self._moving,
            self._region,
        )
        suspicions = [] if suspicion is None else [suspicion]
        return audit_record(findings, self._parts, self._back, suspicions, self._name)


def check_audit(job: Job) -> None:
    """Refuse what no audit can do."""
    if job.inverse_transform and not job.transform:
        raise InputError("There is an inverse, and no transform.", "Give the transform itself.")
    if job.transform and job.keep_registrations:
        raise InputError(
            "The perturbed registrations of an audit are those of the second opinion only.",
            "Leave out --keep-registrations.",
        )
