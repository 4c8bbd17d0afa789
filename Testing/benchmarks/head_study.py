"""What the expected error is worth on people and deformations that had no part in it.

    python -m TTAUncertaintyLib.training head-cases build/head-cases --people PEOPLE \\
        --network lapirn=FILE
    python -m TTAUncertaintyLib.training head build/head-cases --output build/head.npz
    python Testing/benchmarks/head_study.py build/head-cases --head build/head.npz

    python Testing/benchmarks/head_study.py build/head-cases --leave-networks-out

Cases whose names begin with "test" are of people left out. Intervals are 95 % bootstrap intervals
over subjects (that of the fixed image). The second form fits a head without each network in turn,
and adjusts it to that network, as `calibrate` does: by known deformations of three people of the
fit, and by those of the pair's own two images, one smooth and one affine of each.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from TTAUncertaintyLib.calibration import (
    CalibratedMaps,
    Head,
    apply,
    fitting,
    read_head,
    shipped_head,
)
from TTAUncertaintyLib.cues import Cue
from TTAUncertaintyLib.cues.features import FEATURES
from TTAUncertaintyLib.evaluation.measuring import Measurement
from TTAUncertaintyLib.evaluation.metrics import normalised_risk_coverage, pearson, spearman
from TTAUncertaintyLib.training.head_fit import Case, fit

#: Draws of a bootstrap interval.
_DRAWS = 2_000

#: From rows of features to expected error and bound, mm.
Says = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

BESIDE = ("total", "gap", "correlation_4")


def figures(values: np.ndarray, error: np.ndarray) -> list[float]:
    """Return Pearson, Spearman and nAURC of a map against the error."""
    u, e = torch.from_numpy(values), torch.from_numpy(error)
    return [pearson(u, e), spearman(u, e), normalised_risk_coverage(u, e)]


def of_head(head: Head, known: bool) -> Says:
    """Return what says the expected error and the bound of rows of features."""

    def says(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        expected = head.expected(rows)
        return expected, head.bound(rows, expected, known)

    return says


def cues_of(head: Head, rows: np.ndarray) -> dict[Cue, torch.Tensor]:
    """Return what a calibration is made of."""
    columns = {Cue.TOTAL: "total", Cue.INVERSE_CONSISTENCY: "gap"}
    found = {cue: rows[:, list(FEATURES).index(name)] for cue, name in columns.items()}
    found[Cue.EXPECTED] = head.expected(rows)
    return {cue: torch.from_numpy(values.copy()) for cue, values in found.items()}


def of_calibration(head: Head, cases: Sequence[Case]) -> Says:
    """Return the same of the head, adjusted to known deformations by a network."""
    measurements = [
        Measurement(
            name=case.name,
            subject=case.name.rpartition("-")[2],
            kind=case.kind,
            cues=cues_of(head, case.rows),
            error=torch.from_numpy(case.error),
            displacement_mm=0.0,
            others={},
            passes={},
            seconds=0.0,
            spacing_mm=2.0,
            design={},
        )
        for case in cases
    ]
    model = {"name": cases[0].network, "weights": None, "options": {}}
    calibration, _ = fitting.fit(measurements, model, [])

    def says(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        maps: CalibratedMaps = apply(calibration, cues_of(head, rows))
        return maps.expected_error.numpy(), maps.error_bound.numpy()

    return says


def measured(case: Case, head: Head, says: Says) -> list[float]:
    """Return the figures of the head, of what stands beside it, and of the bound."""
    rows = case.mapped
    expected, bound = map(case.at_truth, says(rows))
    anywhere = case.anywhere
    unlike = head.why_unlike(anywhere, head.outside(anywhere), case.anatomy_cm3)
    outside = head.outside(rows) | bool(unlike)
    found = figures(expected, case.error)
    for name in BESIDE:
        found += figures(case.at_truth(rows[:, list(FEATURES).index(name)]), case.error)
    return [
        *found,
        float(case.error.mean()),
        float(expected.mean()),
        float((case.error <= bound).mean()),
        float(bound.mean()),
        float(outside.mean()),
    ]


def with_interval(rows: Sequence[float], subjects: Sequence[str]) -> str:
    """Return the mean over cases, and its interval over subjects."""
    by = {s: [r for r, of in zip(rows, subjects, strict=True) if of == s] for s in set(subjects)}
    means = np.array([np.mean(by[s]) for s in sorted(by)])
    drawn = np.random.default_rng(0).integers(len(means), size=(_DRAWS, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), [0.025, 0.975])
    return f"{np.mean(rows):.2f} ({low:.2f} to {high:.2f})"


def of_the_pair(case: Case, cases: Iterable[Case]) -> list[Case]:
    """Return the known deformations of the images of a case, but for the case itself.

    A manufactured case has one image: another person's deformations come to its own.
    """
    return [
        other
        for other in cases
        if other.kind in ("smooth", "affine")
        and other.network == case.network
        and other.name.rpartition("-")[2] in case.subjects
        and other.name != case.name
    ]


def table(
    cases: Iterable[Case], head: Head, says_of: Callable[[Case], Says], how: str = ""
) -> None:
    """Print a row for each kind and network."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.kind, case.network), []).append(case)
    print(
        "| kind | network | cases | error, mm | expected, mm | Pearson | Spearman | nAURC |", end=""
    )
    print(" total | gap | 1 - correlation | bound holds | mean bound, mm | outside |")
    print(f"|{'---|' * 14}", flush=True)
    for (kind, network), group in sorted(groups.items()):
        found = np.array([measured(case, head, says_of(case)) for case in group])
        subjects = [case.name.split("-")[-2 if case.kind == "people" else -1] for case in group]
        own = [with_interval(found[:, n], subjects) for n in range(3)]
        means = found.mean(axis=0)
        beside = [" / ".join(f"{means[3 * n + m]:.2f}" for m in range(3)) for n in (1, 2, 3)]
        cells = [
            kind,
            network + how,
            len(group),
            f"{means[-5]:.2f}",
            f"{means[-4]:.2f}",
            *own,
            *beside,
        ]
        cells += [with_interval(found[:, -3], subjects), f"{means[-2]:.2f}", f"{means[-1]:.1%}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--head", type=Path, help="default: the one that comes with the software")
    parser.add_argument("--leave-networks-out", nargs="*", metavar="NAME", help="default: each")
    options = parser.parse_args()
    cases = [Case.read(path) for path in sorted(options.folder.glob("*.npz"))]
    reported = [case for case in cases if case.name.startswith("test")]
    if options.leave_networks_out is None:
        head = shipped_head() if options.head is None else read_head(options.head)
        says = of_head(head, known=True)
        table(reported, head, lambda _: says)
        return
    fitted = [case for case in cases if case.name.startswith("fit")]
    for network in options.leave_networks_out or sorted({case.network for case in fitted}):
        head = fit([case for case in fitted if case.network != network], {})
        theirs = [case for case in reported if case.network == network]
        unadjusted = of_head(head, known=False)
        table(theirs, head, lambda _, says=unadjusted: says)
        own = [case for case in fitted if case.network == network and not case.is_real]
        three = sorted({case.name.rpartition("-")[2] for case in own})[:3]
        own = [case for case in own if case.name.rpartition("-")[2] in three]
        adjusted = of_calibration(head, own)
        table(theirs, head, lambda _, says=adjusted: says, f", adjusted by {len(own)}")
        # of an atlas, the other image of the pair, there are no known deformations here
        pairs = [case for case in theirs if case.kind != "atlas"]
        table(
            pairs,
            head,
            lambda case, head=head: of_calibration(head, of_the_pair(case, reported)),
            ", adjusted by the pair's own",
        )


if __name__ == "__main__":
    main()
