"""Made-up calibrations, of whatever run they are wanted for."""

from __future__ import annotations

from typing import Any

import numpy as np

from TTAUncertaintyLib.calibration import Calibration, CueTerm, ErrorBound, Score
from TTAUncertaintyLib.cues import Cue

#: As `calibration.fitting.fit` writes it.
PROVENANCE = {
    "software": "TTAUncertainty 0",
    "date": "2026-11-20",
    "images": [{"name": "subject-one", "sha256": "1" * 64}, {"name": "<b>two", "sha256": "2" * 64}],
    "kinds": ["affine", "smooth"],
    "cases": 12,
    "mean_error_mm": 1.2,
    "checked_on_left_out": {"subject": {"coverage": 0.91}, "kind": {"coverage": 0.85}},
}

#: Error bound in units of the expected error.
FACTOR = 2.5


def made_up(
    record: dict[str, Any],
    total_mm: tuple[float, float] = (0.0, 100.0),
    gap_mm: tuple[float, float] = (0.0, 100.0),
    **changes: Any,
) -> Calibration:
    """Return a calibration that matches the run of a record.

    The expected error is 1.5 * sqrt(total * gap) between 0.02 mm and 30 mm; nearly, since it is
    linear between 200 knots.

    Parameters
    ----------
    record
        Of a bundle.
    total_mm, gap_mm
        Calibrated ranges of the total uncertainty and of the inverse-consistency gap.
    changes
        To the fields.
    """
    spacing = record["network_lattices"]["fixed"]["spacing_mm"]
    errors = np.geomspace(0.02, 30, 200)
    fields: dict[str, Any] = {
        "model": record["model"]["name"],
        "weights_sha256": record["model"]["weights"]["sha256"],
        "options": record["model"]["options"],
        "design": record["design"],
        "spacing_mm": float(np.mean(spacing)),
        "score": Score(
            float(np.log(1.5)),
            (
                CueTerm(Cue.TOTAL, 0.5, total_mm),
                CueTerm(Cue.INVERSE_CONSISTENCY, 0.5, gap_mm),
            ),
        ),
        "expected_error_mm": tuple((float(np.log(error)), float(error)) for error in errors),
        "error_bound": ErrorBound(0.9, FACTOR),
        "provenance": PROVENANCE,
    }
    return Calibration(**(fields | changes))
