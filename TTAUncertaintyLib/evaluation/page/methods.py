"""The methods of an evaluation in the order of the page, each with its number and colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..results_table import METRICS, MethodSummary
from ..summaries import pareto_front

#: Colours that methods are told apart by; as many as there are variables --series-n.
SERIES = 6

#: By this figure methods are ordered, and the Pareto front is drawn in these.
ORDER, FRONTS = "naurc", ("pearson", "naurc")


@dataclass(frozen=True)
class Shown:
    """A method as the page shows it."""

    number: int
    summary: MethodSummary
    #: "series-1", ... for the few that are in colour, "rest" for the others.
    css: str
    #: Keys of the figures in whose Pareto front it lies.
    fronts: tuple[str, ...]

    @property
    def title(self) -> str:
        """The method's name as the beginning of a line."""
        return self.summary.method[:1].upper() + self.summary.method[1:]


def shown_methods(summaries: Sequence[MethodSummary]) -> list[Shown]:
    """Order the methods, the best first, and give colour to those that matter most.

    These are the ones that nothing cheaper beats, and then the best of the others.
    """
    ordered = sorted(summaries, key=lambda s: (-_merit(s), s.passes))
    fronts = {metric: pareto_front(summaries, metric) for metric in FRONTS}
    leading = [s for s in ordered if any(s in front for front in fronts.values())]
    colored = (leading + [s for s in ordered if s not in leading])[:SERIES]
    return [
        Shown(
            number,
            summary,
            f"series-{colored.index(summary) + 1}" if summary in colored else "rest",
            tuple(metric for metric, front in fronts.items() if summary in front),
        )
        for number, summary in enumerate(ordered, 1)
    ]


def _merit(summary: MethodSummary) -> float:
    found = summary.metrics.get(ORDER)
    return -math.inf if found is None else METRICS[ORDER].merit(found.mean)
