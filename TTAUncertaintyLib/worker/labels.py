"""Carrying labels along with a run."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..carried import LabelCarrier, read_label_map
from ..carried.calibrated import find_structure_calibration
from ..carried.findings import carried_structures
from ..carried.sides import side_remark
from ..engine import Engine, Outcome
from ..geometry import Image
from ..models.contract import describe
from ..results import Findings, MapKind
from ..results.findings import answer_on
from ..results.labels import IntervalsFrom, LabelFindings
from .job import Job


class LabelWork:
    """The labels of a run; `add` observes the engine's passes.

    Raises
    ------
    InputError
        If the labels or their names cannot be read, or are not of the moving image.
    """

    def __init__(self, job: Job, fixed: Image, moving: Image) -> None:
        if job.moving_labels is None:
            raise ValueError("There are no labels.")
        self._source = read_label_map(job.moving_labels, job.label_names, moving)
        self._fixed = fixed
        self._tolerance_mm = job.label_tolerance_mm
        self._carrier = LabelCarrier(self._source, fixed.lattice)
        self._engine: Engine | None = None
        self.remarks = side_remark(self._source)

    def watch(self, engine: Engine) -> None:
        """Take the engine's passes from now on."""
        self._engine = engine

    def add(self, n: int, offset: Tensor) -> None:
        """Take a pass; see `Engine.observer`."""
        if self._engine is None:
            return
        if n == 0:
            network = self._engine.pair.fixed_lattice
            answer = answer_on(self._engine.transform(), self._fixed.lattice)
            self._carrier.begin(answer, network)
        self._carrier.add(offset)

    def finish(
        self, findings: Findings, outcome: Outcome, engine: Engine, by_head: bool
    ) -> LabelFindings:
        """Return what came of it.

        Parameters
        ----------
        findings
            Of the run: their transform carries the labels where no pass did.
        by_head
            Whether the expected error is that of the head as it comes with the software, which
            the intervals of structures were fitted to.
        """
        if self._engine is None or not outcome.perturbed:
            self._carrier.begin(findings.transform, findings.transform.lattice)
        carried = self._carrier.result()
        error = findings.on_fixed_image(MapKind.EXPECTED_ERROR)
        calibration = None
        if error is not None and by_head and carried.passes:
            lattice = engine.pair.fixed_lattice
            calibration = find_structure_calibration(
                describe(engine.model), engine.design.as_dict(), lattice.mean_spacing
            )
        counts = np.bincount(self._source.numbers.ravel(), minlength=len(self._source.structures))
        structures = carried_structures(
            carried,
            self._source.structures,
            (counts[1:] * self._source.lattice.voxel_volume / 1000).tolist(),
            error,
            calibration,
            self._tolerance_mm,
            findings.reasons,
        )
        source = self._source
        return LabelFindings(
            carried,
            str(source.path),
            source.sha256,
            structures,
            None
            if calibration is None
            else IntervalsFrom(calibration.level, dict(calibration.provenance)),
            self._tolerance_mm,
        )
