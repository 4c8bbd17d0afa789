"""Intervals are over subjects or cases, and the front holds what nothing cheaper beats."""

from __future__ import annotations

import math

import numpy as np
import pytest

from TTAUncertaintyLib.evaluation.results_table import (
    METRICS,
    Better,
    CaseScore,
    Interval,
    MethodSummary,
)
from TTAUncertaintyLib.evaluation.summaries import pareto_front, resampling_unit, summarise


def scores(
    values: list[float], subjects: list[str], method: str = "map", metric: str = "pearson"
) -> list[CaseScore]:
    return [
        CaseScore(f"case {n}", subject, "smooth", method, 3, {metric: value})
        for n, (value, subject) in enumerate(zip(values, subjects, strict=True))
    ]


def one(cases: list[CaseScore], metric: str = "pearson") -> Interval:
    (summary,) = summarise(cases)
    return summary.metrics[metric]


def test_the_interval_of_a_constant_has_no_width() -> None:
    found = one(scores([0.4] * 6, list("aabbcc")))
    assert (found.mean, found.low, found.high) == pytest.approx((0.4, 0.4, 0.4))


def test_the_interval_over_cases_is_that_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 200)
    found = one(scores(values.tolist(), ["a", "b"] * 100))
    half = 1.96 * values.std() / math.sqrt(200)
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (found.mean - half, found.mean + half), abs=0.002
    )


def test_cases_of_one_subject_are_drawn_together() -> None:
    subjects = np.random.default_rng(1).normal(0.5, 0.1, 40)
    values = np.repeat(subjects, 10).tolist()
    together = one(scores(values, [f"s{n // 10}" for n in range(400)]))
    half = 1.96 * subjects.std() / math.sqrt(40)
    assert together.high - together.low == pytest.approx(2 * half, rel=0.1)
    apart = one(scores(values, ["a", "b"] * 200))
    assert apart.high - apart.low < (together.high - together.low) / 2


def test_the_unit_is_the_subject_from_three_on() -> None:
    assert resampling_unit(scores([0.1] * 4, list("abab"))) == "cases"
    assert resampling_unit(scores([0.1] * 4, list("abca"))) == "subjects"


def test_all_methods_see_the_same_draws() -> None:
    values = np.random.default_rng(2).random(12)
    subjects = list("abcd") * 3
    first, second = summarise(
        scores(values.tolist(), subjects, "one") + scores((values + 0.1).tolist(), subjects, "two")
    )
    assert [s.method for s in (first, second)] == ["one", "two"]
    assert second.metrics["pearson"].low - first.metrics["pearson"].low == pytest.approx(0.1)
    assert second.metrics["pearson"].high - first.metrics["pearson"].high == pytest.approx(0.1)


def test_what_a_case_lacks_is_left_out() -> None:
    cases = scores([0.2, 0.4, math.nan, 0.6], list("abcd"))
    cases += scores([0.1] * 3, list("abc"), "other", "mae_mm")
    first, second = summarise(cases)
    assert first.metrics["pearson"].mean == pytest.approx(0.4)
    assert math.isfinite(first.metrics["pearson"].low)
    assert set(first.metrics) == {"pearson"}
    assert set(second.metrics) == {"mae_mm"}
    assert summarise([]) == []


def test_two_scores_of_one_case_are_a_mistake() -> None:
    twice = scores([0.1, 0.2], ["a", "b"]) + scores([0.3], ["a"])
    with pytest.raises(ValueError, match="two scores of one case"):
        summarise(twice)
    with pytest.raises(ValueError, match="no figure of merit"):
        CaseScore("case", "a", "smooth", "map", 1, {"persons": 0.1})


def summary(method: str, passes: int, **means: float) -> MethodSummary:
    return MethodSummary(
        method, passes, 4, {key: Interval(mean, mean, mean) for key, mean in means.items()}
    )


def test_the_front_holds_what_nothing_cheaper_beats() -> None:
    methods = [
        summary("dear and poor", 51, pearson=0.5, naurc=0.6, coverage=0.5),
        summary("free", 1, pearson=0.3, naurc=0.7, coverage=0.99),
        summary("cheap", 10, pearson=0.6, naurc=0.4, coverage=0.93),
        summary("cheap and poor", 10, pearson=0.4, naurc=0.5, coverage=0.8),
        summary("dear", 60, pearson=0.7, naurc=0.4, coverage=0.9),
        summary("of another kind", 1),
    ]
    assert [s.method for s in pareto_front(methods, "pearson")] == ["free", "cheap", "dear"]
    assert [s.method for s in pareto_front(methods, "naurc")] == ["free", "cheap"]
    assert [s.method for s in pareto_front(methods, "coverage")] == ["free", "cheap", "dear"]
    assert pareto_front([], "naurc") == []


def test_merit_goes_the_way_that_the_figure_says() -> None:
    for metric in METRICS.values():
        better, worse = {
            Better.HIGHER: (0.6, 0.5),
            Better.LOWER: (0.5, 0.6),
            Better.NEARER: (0.88, 0.93),
        }[metric.better]
        assert metric.merit(better) > metric.merit(worse)
