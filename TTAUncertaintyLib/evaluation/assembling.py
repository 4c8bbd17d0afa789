"""From a study's measurements to the evaluation that pages and files are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .measuring import Measurement
from .metrics import reliability, sparsification_curve
from .results_table import ORACLE, CaseError, CaseScore, Curve, Evaluation, StructureScore
from .scoring import Prediction, by_structure, figures, predictions
from .summaries import resampling_unit, summarise

if TYPE_CHECKING:
    from ..calibration.fitting import LeftOut

#: Shares of the voxels that a sparsification curve takes away; bins of a reliability curve.
_FRACTIONS = torch.arange(20, dtype=torch.float64) / 20
_BINS = 10


def assemble(
    title: str,
    measurements: Sequence[Measurement],
    left_out: Sequence[LeftOut],
    model: Mapping[str, Any],
    images: Sequence[Mapping[str, Any]],
    command: str,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Score every map of every case.

    Parameters
    ----------
    measurements
        Of the study, all under one design.
    left_out
        What calibrations say of the cases they had no part in; may be empty.
    model, images
        From `models.contract.describe` and `study.as_json`.
    command
        What reproduces it.
    notes
        What a reader has to know, in sentences.
    """
    by_case = {id(found.measurement): found for found in left_out}
    scores, errors = [], []
    curves: dict[str, list[Tensor]] = {}
    parts: dict[tuple[int, str], list[dict[str, float]]] = {}
    reliable: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for measurement in measurements:
        error = measurement.error
        errors.append(_error(measurement))
        curves.setdefault(ORACLE, []).append(sparsification_curve(error, error, _FRACTIONS))
        for made in predictions(measurement, by_case.get(id(measurement))):
            scores.append(_score(measurement, made))
            curve = sparsification_curve(made.values, error, _FRACTIONS)
            curves.setdefault(made.method, []).append(curve)
            if measurement.labels is not None:
                within = by_structure(made, error, measurement.labels)
                for label, found_there in within.items():
                    parts.setdefault((label, made.method), []).append(found_there)
            if made.bound is not None:
                found = reliability(made.values, error, _BINS)
                reliable.setdefault(made.method, []).append(found)
    return Evaluation(
        title=title,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        model=model,
        images=images,
        cases=scores,
        errors=errors,
        summaries=summarise(scores),
        sparsification=[
            Curve(method, _FRACTIONS.tolist(), torch.stack(found).mean(0).tolist())
            for method, found in curves.items()
        ],
        reliability=[
            Curve(
                method,
                torch.stack([x for x, _ in found]).mean(0).tolist(),
                torch.stack([y for _, y in found]).mean(0).tolist(),
            )
            for method, found in reliable.items()
        ],
        structures=[_structure(*key, rows) for key, rows in sorted(parts.items())],
        command=command,
        notes=[*notes, _about_intervals(scores)],
    )


def _structure(label: int, method: str, rows: Sequence[dict[str, float]]) -> StructureScore:
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    error = means.pop("error_mm")
    return StructureScore(f"label {label}", method, len(rows), error, means)


def _score(measurement: Measurement, made: Prediction) -> CaseScore:
    return CaseScore(
        measurement.name,
        measurement.subject,
        measurement.kind,
        made.method,
        made.passes,
        figures(made, measurement.error),
    )


def _error(measurement: Measurement) -> CaseError:
    error = measurement.error.double().numpy()
    return CaseError(
        measurement.name,
        measurement.subject,
        measurement.kind,
        measurement.displacement_mm,
        float(error.mean()),
        float(np.quantile(error, 0.95)),
        len(error),
    )


def _about_intervals(scores: Sequence[CaseScore]) -> str:
    return (
        f"Intervals are 95 % bootstrap intervals over {resampling_unit(scores)}, never over "
        "voxels: those of one case err together."
    )
