"""Is a bound better if it is made from the cases that are like the one at hand?

    python -m TTAUncertaintyLib.training head-cases build/head-cases --people PEOPLE \\
        --network lapirn=FILE
    python Testing/benchmarks/likeness_study.py build/head-cases --trees 120 --sample 1000

Each network is left out in turn, and then none. Three factors of the bound are compared, all made
from people left out: one for all cases (as for a known network), one that held for each network
left out of these (a stranger's), and a weighted one, as Tibshirani et al. have it (Conformal
prediction under covariate shift, NeurIPS 2019): the mean over the cases, each counting as much as
its features' medians are like those of the case at hand. Shown are the share of the places where
the bound holds (its mean over cases, and that of the worst tenth of the cases) and its mean.

With fewer trees and voxels than the head that is shipped, so that thirty fits take minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from TTAUncertaintyLib.calibration import Head
from TTAUncertaintyLib.training import head_fit
from TTAUncertaintyLib.training.head_fit import Case, fit, logs_of_factors

#: How far a case may be off and still count much, in standard deviations over the cases.
_WIDTHS = (0.5, 2.0)


def weights_of(case: Case, cases: Sequence[Case], width: float) -> NDArray[np.float64]:
    """Return how much each case counts for another one."""
    medians = np.stack([one.median for one in cases]).astype(float)
    off = (np.median(case.anywhere, axis=0) - medians) / (medians.std(axis=0) + 1e-6)
    square = np.square(off).mean(axis=1)
    return np.asarray(np.exp((square.min() - square) / (2 * width**2)))


def held(case: Case, head: Head, factor: float) -> tuple[float, float]:
    """Return where the bound holds, a share, and its mean, mm."""
    rows = case.mapped
    bound = replace(head, bound_factor=factor).bound(rows, head.expected(rows), known=True)
    bound = case.at_truth(bound)
    return float((case.error <= bound).mean()), float(bound.mean())


def row(name: str, cases: Sequence[Case], head: Head, factors: Sequence[Sequence[float]]) -> str:
    """Return a row of the table: factors are by way, and by case."""
    cells = [name, str(len(cases)), f"{np.mean([case.error.mean() for case in cases]):.2f}"]
    for way in factors:
        found = np.array([held(c, head, f) for c, f in zip(cases, way, strict=True)])
        share, worst = found[:, 0].mean(), np.quantile(found[:, 0], 0.1)
        cells.append(f"{share:.2f} ({worst:.2f}), {found[:, 1].mean():.1f}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trees", type=int, default=head_fit._TREES)
    parser.add_argument("--sample", type=int, default=head_fit._SAMPLE)
    options = parser.parse_args()
    head_fit._TREES, head_fit._SAMPLE = options.trees, options.sample
    cases = [Case.read(path) for path in sorted(options.folder.glob("*.npz"))]
    fitted = [case for case in cases if case.name.startswith("fit")]
    reported = [case for case in cases if case.name.startswith("test")]
    likeness = " | ".join(f"by likeness, {width:g}" for width in _WIDTHS)
    print(f"| left out | cases | error, mm | for all | a stranger's | {likeness} |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for network in [*sorted({case.network for case in fitted}), None]:
        made = [case for case in fitted if case.network != network]
        head, logs = fit(made, {}), logs_of_factors(made)
        for kind in sorted({case.kind for case in reported}):
            theirs = [c for c in reported if c.kind == kind and network in (None, c.network)]
            factors = [[head.bound_factor] * len(theirs), [head.stranger_factor] * len(theirs)]
            for width in _WIDTHS:
                weights = [weights_of(case, made, width) for case in theirs]
                factors.append([float(np.exp(np.average(logs, weights=w))) for w in weights])
            print(row(f"{network or 'none'}, {kind}", theirs, head, factors), flush=True)


if __name__ == "__main__":
    main()
