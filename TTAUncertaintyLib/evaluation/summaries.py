"""From the scores of cases to one figure a method: means, and how well they are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .results_table import METRICS, CaseScore, Interval, MethodSummary

#: From this many subjects on, subjects are drawn, else cases.
_ENOUGH_SUBJECTS = 3

Floats = NDArray[np.float64]


def resampling_unit(cases: Iterable[CaseScore]) -> str:
    """Return what intervals are drawn over: "subjects" where there are three or more, or "cases".

    Cases of one subject are alike, so that intervals over cases alone are too narrow.
    """
    return "subjects" if len({case.subject for case in cases}) >= _ENOUGH_SUBJECTS else "cases"


def summarise(
    cases: Sequence[CaseScore], resamples: int = 2000, seed: int = 0
) -> list[MethodSummary]:
    """Return each method's mean figures with a 95 % bootstrap interval.

    Parameters
    ----------
    seed
        Fixes them; all methods see the same draws.

    Returns
    -------
    list of MethodSummary
        In the order in which methods first occur. An interval of a single subject or case has no
        width: it says nothing.

    Raises
    ------
    ValueError
        If a method has two scores of one case, or two numbers of passes.

    Notes
    -----
    Percentile interval; whole subjects (or cases) are drawn with replacement, with all that
    belongs to them. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, and
    Davison and Hinkley, Bootstrap Methods and their Application, 1997, for the drawing of
    clusters.
    """
    if not cases:
        return []
    by_subject = resampling_unit(cases) == "subjects"
    unit_of = {case.case: case.subject if by_subject else case.case for case in cases}
    units = list(dict.fromkeys(unit_of.values()))
    column = {name: units.index(unit) for name, unit in unit_of.items()}
    # how often each draw holds each unit: [resamples, units]
    share = np.full(len(units), 1 / len(units))
    times = np.random.default_rng(seed).multinomial(len(units), share, size=resamples)
    return [
        _summary([case for case in cases if case.method == method], times, column)
        for method in dict.fromkeys(case.method for case in cases)
    ]


def _summary(
    own: Sequence[CaseScore], times: NDArray[np.int64], column: dict[str, int]
) -> MethodSummary:
    first = own[0]
    if len({case.case for case in own}) != len(own) or {case.passes for case in own} != {
        first.passes
    }:
        raise ValueError(f"{first.method} has two scores of one case, or two numbers of passes.")
    metrics = {}
    for key in METRICS:
        scores = [(case.metrics.get(key, np.nan), column[case.case]) for case in own]
        known = [(value, unit) for value, unit in scores if np.isfinite(value)]
        if known:
            values, places = np.array([v for v, _ in known]), [u for _, u in known]
            metrics[key] = _interval(values, times[:, places])
    return MethodSummary(first.method, first.passes, len(own), metrics)


def _interval(values: Floats, times: NDArray[np.int64]) -> Interval:
    """Return the mean of values [n] and its interval, for draws [resamples, n]."""
    held = times.sum(1) > 0  # a draw may hold no case of this method
    means = times[held] @ values / times[held].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def pareto_front(summaries: Sequence[MethodSummary], metric: str) -> list[MethodSummary]:
    """Return the methods that no other one beats at the same cost or less, by passes.

    Parameters
    ----------
    metric
        Key of `METRICS`; methods without it are left out.
    """
    merit = METRICS[metric].merit
    known = [s for s in summaries if metric in s.metrics]
    known.sort(key=lambda s: (s.passes, -merit(s.metrics[metric].mean)))
    front: list[MethodSummary] = []
    for summary in known:
        best = merit(front[-1].metrics[metric].mean) if front else -np.inf
        if merit(summary.metrics[metric].mean) > best:
            front.append(summary)
    return front
