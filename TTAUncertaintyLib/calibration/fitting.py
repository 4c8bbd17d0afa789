"""Fitting a calibration to measured errors, and checking it on subjects it has not seen.

Subjects are split, never voxels: neighbouring voxels err together, so that a split of voxels
would check a calibration on what it was fitted to. Every case counts the same, however many
voxels it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, nnls
from torch import Tensor

from ..cues import Cue
from ..errors import InputError
from ..evaluation.measuring import Measurement
from ..evaluation.metrics import (
    coverage,
    mean_absolute_error,
    normalised_risk_coverage,
    sharpness,
)
from ..version import __version__
from .application import CalibratedMaps, apply, expected_error, score
from .calibration import Calibration, CueTerm, ErrorBound, Score
from .head import shipped_head
from .matching import design_difference

#: Voxels drawn of each case.
_SAMPLE = 5_000

#: An error below this is as good as none: the logarithm is taken of no less, mm.
_ERROR_FLOOR_MM = 0.1

#: Where the bins of the expected error end, as shares of the voxels by score: narrow ones at the
#: top, where a person looks.
_ENDS = (*(n / 20 for n in range(1, 20)), 0.97, 0.985, 0.995, 1.0)

#: Share of the voxels beyond a cue's range on either side.
_TAIL = 0.0005

#: Of the fit of the score: this much of a cue's variance is added to it.
_RIDGE = 1e-6

#: The share of the voxels that the bound is to hold for.
BOUND_LEVEL = 0.9

#: What a score may be made of. The total is left out where its two terms are there.
CANDIDATES = (
    Cue.EXPECTED,
    Cue.TOTAL,
    Cue.INTRINSIC,
    Cue.JITTER,
    Cue.INVERSE_CONSISTENCY,
    Cue.NCC_GAP,
    Cue.RESIDUAL,
    Cue.LOG_JACOBIAN,
    Cue.DISAGREEMENT,
    Cue.OPINION,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """How a calibration did on a case that had no part in it; means over voxels."""

    name: str
    subject: str
    kind: str
    #: What was left out of the fit: "subject" or "kind".
    left_out: str
    #: Share of the voxels whose error lies at or below the bound.
    coverage: float
    #: Mean bound, error, and expected error.
    bound_mm: float
    error_mm: float
    expected_mm: float
    #: Of the expected error against the error.
    mae_mm: float
    naurc: float
    #: Of the mean error of the fit's cases, and of a calibration of the inverse-consistency gap
    #: alone: what the expected error has to beat. NaN without that gap.
    constant_mae_mm: float
    inverse_mae_mm: float
    inverse_naurc: float
    #: Share of the voxels with a cue outside the calibrated range.
    outside: float


def fit(
    measurements: Sequence[Measurement], model: dict[str, Any], images: Sequence[dict[str, Any]]
) -> tuple[Calibration, list[Check]]:
    """Fit a calibration, and check it with every subject and every kind left out in turn.

    Parameters
    ----------
    measurements
        Of one network under one design, of at least two subjects.
    model
        As `models.contract.describe` returns it.
    images
        JSON-ready: name and SHA-256 of each subject, for the provenance.

    Returns
    -------
    calibration
        Fitted to all of them; the bound's factor comes from the subjects left out in turn.
    checks
        One for each case and what was left out; kinds only where there are two or more.

    Raises
    ------
    InputError
        If there are fewer than two subjects, or the measurements are of different designs.
    """
    if len({m.subject for m in measurements}) < 2:
        raise InputError(
            "A calibration needs images of at least two subjects: it is checked on those that it "
            "was not fitted to."
        )
    first = measurements[0].design
    differs = next((d for m in measurements if (d := design_difference(first, m.design))), None)
    if differs is not None:
        raise InputError(f"The measurements are of different designs ({differs} differs).")
    samples = [_sample(m) for m in measurements]
    by_subject = _left_out(samples, "subject", model)
    factor = _factor([ratio for _, ratio in by_subject])
    checks = [_check(found, "subject") for found, _ in by_subject]
    if len({m.kind for m in measurements}) >= 2:
        checks += [_check(found, "kind") for found, _ in _left_out(samples, "kind", model)]
    provenance = {
        "software": f"TTAUncertainty {__version__}",
        "date": date.today().isoformat(),
        "images": list(images),
        "kinds": sorted({m.kind for m in measurements}),
        "cases": len(measurements),
        "mean_error_mm": float(np.mean([float(m.error.mean()) for m in measurements])),
        "checked_on_left_out": {
            what: summary([c for c in checks if c.left_out == what])
            | {"coverage_by_kind": _coverage_by_kind([c for c in checks if c.left_out == what])}
            for what in sorted({c.left_out for c in checks})
        },
    }
    whole = _fit(samples, model, cues_of(samples))
    return _with_factor(whole, factor, provenance), checks


def _coverage_by_kind(checks: Sequence[Check]) -> dict[str, float]:
    return {
        kind: float(np.mean([c.coverage for c in checks if c.kind == kind]))
        for kind in sorted({c.kind for c in checks})
    }


def summary(checks: Sequence[Check]) -> dict[str, float]:
    """Return means over cases, and the least and the largest coverage of one."""
    names = [f.name for f in fields(Check) if f.type == "float"]
    found = {name: float(np.mean([getattr(c, name) for c in checks])) for name in names}
    covered = [c.coverage for c in checks]
    return found | {"least_coverage": min(covered), "largest_coverage": max(covered)}


@dataclass(frozen=True, eq=False)
class _Sample:
    """As many voxels of each case, so that every case counts the same."""

    whole: Measurement
    cues: dict[Cue, Tensor]
    error: Tensor


def _sample(measurement: Measurement) -> _Sample:
    count = len(measurement.error)
    picked = np.random.default_rng(0).choice(count, _SAMPLE, replace=count < _SAMPLE)
    at = torch.from_numpy(picked)
    if measurement.expected is not None:
        expected = {Cue.EXPECTED: measurement.expected.expected_error}
        measurement = replace(measurement, cues={**measurement.cues, **expected})
    cues = {cue: values[at] for cue, values in measurement.cues.items()}
    return _Sample(measurement, cues, measurement.error[at])


def cues_of(samples: Sequence[_Sample]) -> tuple[Cue, ...]:
    """Return the cues that all cases have and a score may be made of."""
    found = [cue for cue in CANDIDATES if all(cue in s.cues for s in samples)]
    if Cue.JITTER in found:
        found.remove(Cue.TOTAL)
    return tuple(found)


def _fit(samples: Sequence[_Sample], model: dict[str, Any], cues: Sequence[Cue]) -> Calibration:
    """Fit the score and the expected error; the bound is the expected error itself as yet."""
    pooled = {cue: torch.cat([s.cues[cue] for s in samples]).float() for cue in cues}
    error = torch.cat([s.error for s in samples]).double().numpy()
    ranges = {cue: _range(values) for cue, values in pooled.items()}
    logs = np.stack(
        [
            np.log(np.maximum(np.clip(values.double().numpy(), *ranges[cue]), cue.facts.floor))
            for cue, values in pooled.items()
        ],
        axis=1,
    )
    weights, bias = _nonnegative_fit(logs, np.log(np.maximum(error, _ERROR_FLOOR_MM)))
    kept = [(cue, w) for cue, w in zip(cues, weights, strict=True) if w > 0]
    if not kept:  # no cue says anything: the expected error is the mean
        kept = [(cues[0], 0.0)]
    terms = tuple(CueTerm(cue, float(w), ranges[cue]) for cue, w in kept)
    first = samples[0].whole
    weights_file = model["weights"]
    draft = Calibration(
        model["name"],
        None if weights_file is None else weights_file["sha256"],
        dict(model["options"]),
        dict(first.design),
        first.spacing_mm,
        Score(float(bias), terms),
        ((0.0, 0.0), (1.0, 1.0)),
        ErrorBound(BOUND_LEVEL, 1.0),
        head_sha256=shipped_head().sha256 if Cue.EXPECTED in dict(kept) else None,
    )
    knots = _knots(score(draft, pooled).double().numpy(), error)
    return replace(draft, expected_error_mm=knots)


def _range(values: Tensor) -> tuple[float, float]:
    array = values.double().numpy()
    low, high = np.quantile(array, [_TAIL, 1 - _TAIL])
    return float(low), float(max(high, low))


def _nonnegative_fit(columns: Array, target: Array) -> tuple[Array, float]:
    """Return least-squares weights that are not negative, and the intercept.

    More of a cue never means less error: a weight that would be negative is zero. The rows below
    the voxels' hold the weights of cues that go together near each other (a ridge).
    """
    middle, level = columns.mean(axis=0), float(target.mean())
    ridge = np.sqrt(_RIDGE * len(target)) * np.eye(columns.shape[1])
    weights, _ = nnls(
        np.concatenate([columns - middle, ridge]),
        np.concatenate([target - level, np.zeros(len(ridge))]),
    )
    return weights, level - float(middle @ weights)


def _knots(scores: Array, error: Array) -> tuple[tuple[float, float], ...]:
    """Return the mean error of bins of voxels by score, made to rise (isotonic regression)."""
    order = np.argsort(scores, kind="stable")
    ends = [round(end * len(order)) for end in _ENDS[:-1]]
    parts = [part for part in np.split(order, ends) if len(part)]
    x = np.array([scores[part].mean() for part in parts])
    means, counts = [error[part].mean() for part in parts], [len(part) for part in parts]
    y = isotonic_regression(means, weights=counts).x
    keep = np.concatenate(([True], np.diff(x) > 1e-6))
    x, y = x[keep], y[keep]
    if len(x) == 1:  # one score for all: the mean error, whatever the score
        x, y = np.array([x[0], x[0] + 1.0]), np.array([y[0], y[0]])
    return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A case, and what calibrations say of it that it had no part in; flat over its voxels."""

    measurement: Measurement
    #: By all cues.
    maps: CalibratedMaps
    #: Expected error by the inverse-consistency gap alone, mm; None without that gap.
    inverse: Tensor | None
    #: Mean error of the cases of the fit.
    constant_mm: float


def left_out(
    measurements: Sequence[Measurement], what: str, model: dict[str, Any]
) -> list[LeftOut]:
    """Leave out one subject (or kind) after another, and predict its cases' errors.

    The bound is conformal within the remaining cases alone, by a second round of leaving out, so
    that nothing of the case that is predicted has had a part in it.

    Parameters
    ----------
    what
        "subject" or "kind".
    """
    return [found for found, _ in _left_out([_sample(m) for m in measurements], what, model)]


def _left_out(
    samples: Sequence[_Sample], what: str, model: dict[str, Any]
) -> list[tuple[LeftOut, Tensor]]:
    """Return what `left_out` does, each with its sample's ratios."""
    found = []
    cues = cues_of(samples)
    for group in sorted({getattr(s.whole, what) for s in samples}):
        rest = [s for s in samples if getattr(s.whole, what) != group]
        fitted = _with_factor(_fit(rest, model, cues), _factor(_ratios(rest, model, cues)), {})
        alone = None
        if Cue.INVERSE_CONSISTENCY in cues:
            alone = _fit(rest, model, (Cue.INVERSE_CONSISTENCY,))
        constant = float(np.mean([float(s.error.mean()) for s in rest]))
        for sample in samples:
            if getattr(sample.whole, what) != group:
                continue
            whole = sample.whole
            inverse = None if alone is None else apply(alone, whole.cues).expected_error
            prediction = LeftOut(whole, apply(fitted, whole.cues), inverse, constant)
            found.append((prediction, _ratio(sample, fitted)))
    return found


def _check(left_out: LeftOut, what: str) -> Check:
    whole, maps, inverse = left_out.measurement, left_out.maps, left_out.inverse
    error = whole.error
    nan = float("nan")
    return Check(
        whole.name,
        whole.subject,
        whole.kind,
        what,
        coverage(maps.error_bound, error),
        sharpness(maps.error_bound),
        float(error.mean()),
        float(maps.expected_error.mean()),
        mean_absolute_error(maps.expected_error, error),
        normalised_risk_coverage(maps.expected_error, error),
        float((error - left_out.constant_mm).abs().mean()),
        nan if inverse is None else mean_absolute_error(inverse, error),
        nan if inverse is None else normalised_risk_coverage(inverse, error),
        float(maps.outside.double().mean()),
    )


def _ratios(samples: Sequence[_Sample], model: dict[str, Any], cues: Sequence[Cue]) -> list[Tensor]:
    """Return error / expected error of each case, fitted without its subject.

    With one subject alone there is nothing to leave out: then without the case itself.
    """
    subjects = {s.whole.subject for s in samples}
    found = []
    for sample in samples:
        if len(subjects) > 1:
            rest = [s for s in samples if s.whole.subject != sample.whole.subject]
        else:
            rest = [s for s in samples if s is not sample] or list(samples)
        found.append(_ratio(sample, _fit(rest, model, cues)))
    return found


def _ratio(sample: _Sample, fitted: Calibration) -> Tensor:
    expected = expected_error(fitted, score(fitted, sample.cues))
    return sample.error.double() / expected.double().clamp(min=1e-6)


def _factor(ratios: Sequence[Tensor]) -> float:
    """Return the quantile of the ratios that `BOUND_LEVEL` of the voxels stay below.

    Source: conformal prediction with normalised scores, cross-conformal over subjects: Lei et
    al., JASA 113 (2018); Barber et al., Annals of Statistics 49 (2021).
    """
    return float(np.quantile(torch.cat(list(ratios)).numpy(), BOUND_LEVEL))


def _with_factor(
    calibration: Calibration, factor: float, provenance: dict[str, Any]
) -> Calibration:
    bound = ErrorBound(BOUND_LEVEL, factor)
    return replace(calibration, error_bound=bound, provenance=provenance)
