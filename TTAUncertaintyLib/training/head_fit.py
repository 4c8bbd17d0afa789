"""Fitting the head: trees over a log-linear sum, and a bound that is conformal over subjects.

Two kinds of truth come together. A manufactured deformation is known in every voxel. A real pair is
known at the boundaries of structures that were drawn on both images, and there only as a lower
bound: how far the carried boundary lies, whatever slid along it. Either kind as a whole counts the
same, every case of it the same, and no feature says which one a voxel is of: on a real pair the
number says what the boundaries of real pairs say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..calibration.head import Head, share_of_anatomy
from ..calibration.trees import Trees
from ..cues.features import FEATURES
from ..version import __version__
from .head_cases import REAL_KINDS, is_mean

Array = NDArray[np.float64]

#: Whom the labels of the people come from.
CREDIT = (
    "OASIS brains; labels provided by Neuromorphometrics, Inc. under academic subscription "
    "(CC BY-NC 3.0). Only numbers were learnt from them."
)

#: The share of the voxels that the bound is to hold for.
LEVEL = 0.9

#: What the log-linear sum may be made of, and the smallest value that means something.
_IN_THE_SUM = {
    "total_4": 0.02,
    "total": 0.02,
    "gap_4": 0.05,
    "gap": 0.05,
    "correlation_4": 0.01,
    "correlation_8": 0.01,
    "difference_3": 0.02,
    "better_offset": 0.05,
    "normal_offset_5": 0.1,
    "strain": 0.02,
    "better_gain": 0.002,
}

#: An error below this is as good as none: the sum's logarithm is taken of no less, mm.
_ERROR_FLOOR_MM = 0.3

#: No error counts as this.
_NO_ERROR_MM = 0.02

#: Voxels taken of each case, parts that the subjects are split into, and depth of a tree.
_SAMPLE, _PARTS, _DEPTH = 3_000, 4, 5

#: Of the trees: how many, their rate, the fewest voxels of a leaf; and of the bound's trees.
_TREES, _RATE, _LEAST = 400, 0.15, 500
_BOUND_TREES, _BOUND_RATE, _BOUND_LEAST = 60, 0.12, 1_500

#: Share of the voxels beyond a feature's range on either side, and by how much of the range others
#: may lie beyond it: people differ.
_TAIL, _MARGIN = 0.0005, 0.1

#: By what factor an anatomy may be smaller or larger than any that was seen: grown people's brains
#: differ by a third.
_SIZE_MARGIN = 1.5


@dataclass(frozen=True, eq=False)
class Case:
    """What a registration whose truth is known gave."""

    #: Kind is "people" or "atlas" for boundaries, else that of the deformation.
    name: str
    kind: str
    network: str
    #: The people whose images had a part in it.
    subjects: frozenset[str]
    #: float32 [n, F] and [n], mm: where the truth is known.
    rows: NDArray[np.float32]
    error: NDArray[np.float32]
    #: float32 [m, F]: voxels from all over the anatomy.
    anywhere: NDArray[np.float32]
    #: float32 [F]: of each feature over the anatomy.
    median: NDArray[np.float32]
    #: How large the anatomy is.
    anatomy_cm3: float
    #: Of a pair of people that is reported: float32 [v, F], the network's voxels around the places
    #: of `rows`, and for each place [n, 8] the numbers and the shares of those around it.
    voxels: NDArray[np.float32] | None = None
    corner: NDArray[np.int64] | None = None
    share: NDArray[np.float32] | None = None

    @property
    def mapped(self) -> NDArray[np.float32]:
        """float32 [v, F]: the network's voxels that a map is made of; see `at_truth`."""
        return self.rows if self.voxels is None else self.voxels

    def at_truth(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what a map, [v], says where the truth is known, [n]: it is read in between."""
        if self.corner is None or self.share is None:
            return values
        return np.asarray((values[self.corner] * self.share).sum(axis=1), np.float32)

    @property
    def is_real(self) -> bool:
        """Whether it is a pair of two people, or of one and a mean of several."""
        return self.kind in REAL_KINDS

    @classmethod
    def read(cls, path: Path) -> Case:
        """Read what `head_cases` kept."""
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["spec"]))
            subjects = {facts.get(k) for k in ("fixed", "moving", "subject", "other")} - {None}
            return cls(
                facts["name"],
                facts["kind"],
                facts["network"],
                frozenset(name for name in subjects if not is_mean(name)),
                file["X"],
                file["e"],
                file["R"],
                file["median"],
                float(file["anatomy_cm3"]),
                *(file.get(name) for name in ("V", "corner", "share")),
            )


@dataclass(frozen=True, eq=False)
class _Rows:
    """Voxels of several cases, weighted, and the case of each."""

    features: NDArray[np.float32]
    error: Array
    weight: Array
    case: NDArray[np.intp]


def fit(cases: Sequence[Case], provenance: Mapping[str, Any]) -> Head:
    """Fit a head, its bound conformal over the subjects of the cases.

    Parameters
    ----------
    cases
        Of at least `_PARTS` subjects.
    provenance
        JSON-ready, kept with it.
    """
    rows = _together(cases)
    ratio, logs = _left_out(rows, cases)
    real = np.array([case.is_real for case in cases])
    means = [logs[which].mean() for which in (real, ~real) if which.any()]
    head = _expected(rows, cases)
    bound_factor = float(np.exp(max(means)))
    facts = {"level": LEVEL, "provenance": _provenance(cases, provenance)}
    trees = _bound_trees(rows, ratio, rows.case >= 0)
    stranger_factor = max(bound_factor, float(np.exp(_between_networks(cases))))
    return replace(
        head,
        bound_trees=trees,
        bound_factor=bound_factor,
        stranger_factor=stranger_factor,
        facts=facts,
    )


def logs_of_factors(cases: Sequence[Case]) -> Array:
    """Return the logarithm of the factor that each case's bound needs, its people left out."""
    return _left_out(_together(cases), cases)[1]


def _left_out(rows: _Rows, cases: Sequence[Case]) -> tuple[Array, Array]:
    """Return each row's `_log_ratio`, its people left out, and each case's `logs_of_factors`."""
    parts = _parts(cases)
    ratio, logs = np.zeros(len(rows.error)), np.zeros(len(cases))
    for part in parts:
        inside = np.isin(rows.case, part)
        apart = [c for n, c in enumerate(cases) if n not in part and not _shares(c, cases, part)]
        draft = _expected(_together(apart), apart)
        ratio[inside] = _log_ratio(draft, rows.features[inside], rows.error[inside])
    for part in parts:
        inside = np.isin(rows.case, part)
        trees = _bound_trees(rows, ratio, ~inside)
        left = ratio[inside] - trees.sum(rows.features[inside])
        for number in part:
            logs[number] = np.quantile(left[rows.case[inside] == number], LEVEL)
    return ratio, logs


def _between_networks(cases: Sequence[Case]) -> float:
    """Return the largest logarithm of a bound's factor that a network left out has needed."""
    networks = sorted({case.network for case in cases})
    found = [0.0]
    for network in networks if len(networks) > 1 else ():
        others = [case for case in cases if case.network != network]
        own = [case for case in cases if case.network == network]
        rows = _together(others)
        draft = _expected(rows, others)
        ratio = _log_ratio(draft, rows.features, rows.error)
        trees = _bound_trees(rows, ratio, rows.case >= 0)
        theirs = _together(own)
        left = _log_ratio(draft, theirs.features, theirs.error) - trees.sum(theirs.features)
        for real in (True, False):
            quantiles = [
                np.quantile(left[theirs.case == n], LEVEL)
                for n, case in enumerate(own)
                if case.is_real is real
            ]
            found.append(float(np.mean(quantiles)) if quantiles else 0.0)
    return max(found)


def _log_ratio(draft: Head, features: NDArray[np.float32], error: Array) -> Array:
    """Return the logarithm of error / expected error, [n]."""
    return np.asarray(
        np.log(np.maximum(error, _NO_ERROR_MM) / draft.expected(features).astype(float))
    )


def _together(cases: Sequence[Case]) -> _Rows:
    generator = np.random.default_rng(0)
    features, errors, weights, numbers = [], [], [], []
    real = sum(case.is_real for case in cases)
    of_kind = {True: real, False: len(cases) - real}
    for number, case in enumerate(cases):
        count = min(_SAMPLE, len(case.error))
        picked = generator.choice(len(case.error), count, replace=False)
        features.append(case.rows[picked])
        errors.append(case.error[picked].astype(float))
        weights.append(np.full(count, 1 / (count * of_kind[case.is_real])))
        numbers.append(np.full(count, number))
    weight = np.concatenate(weights)
    return _Rows(
        np.concatenate(features),
        np.concatenate(errors),
        weight * (len(weight) / weight.sum()),
        np.concatenate(numbers),
    )


def _parts(cases: Sequence[Case]) -> list[list[int]]:
    """Split the cases by subject: that of the fixed image of a pair, or of the one image."""
    first = [sorted(case.subjects)[0] for case in cases]
    subjects = sorted(set(first))
    groups = [set(part.tolist()) for part in np.array_split(subjects, min(_PARTS, len(subjects)))]
    return [[n for n, subject in enumerate(first) if subject in group] for group in groups]


def _shares(case: Case, cases: Sequence[Case], part: Sequence[int]) -> bool:
    """Tell whether a case has a subject whose cases are left out."""
    return any(sorted(cases[n].subjects)[0] in case.subjects for n in part)


def _expected(rows: _Rows, cases: Sequence[Case]) -> Head:
    """Fit the expected error; the bound is the expected error itself as yet."""
    from scipy.optimize import nnls

    names = list(FEATURES)
    columns = [names.index(name) for name in _IN_THE_SUM]
    floors = np.full(len(names), 1e-6, np.float32)
    floors[columns] = list(_IN_THE_SUM.values())
    logs = np.log(np.maximum(rows.features, floors))[:, columns].astype(float)
    middle = np.average(logs, axis=0, weights=rows.weight)
    target = np.log(np.maximum(rows.error, _ERROR_FLOOR_MM))
    level = float(np.average(target, weights=rows.weight))
    root = np.sqrt(rows.weight)
    ridge = 0.02 * np.sqrt(len(target)) * np.eye(len(columns))
    found, _ = nnls(
        np.concatenate([(logs - middle) * root[:, None], ridge]),
        np.concatenate([(target - level) * root, np.zeros(len(columns))]),
    )
    base = np.exp((logs - middle) @ found + level)
    gain = float((rows.weight * rows.error).sum() / (rows.weight * base).sum())
    base *= gain
    weights, means = np.zeros((2, len(names)), np.float32)
    weights[columns], means[columns] = found, middle
    # a factor to the sum: errors in units of it, so that a network that fails by centimetres says
    # no more of the factor than one that is right (gamma deviance)
    model = booster(
        loss="gamma", max_iter=_TREES, learning_rate=_RATE, min_samples_leaf=_LEAST
    ).fit(rows.features, np.maximum(rows.error, _NO_ERROR_MM) / base, sample_weight=rows.weight)
    anywhere = np.concatenate([case.anywhere for case in cases] + [case.rows for case in cases])
    low, high = np.quantile(anywhere, [_TAIL, 1 - _TAIL], axis=0).astype(np.float32)
    spread = high - low
    low, high = low - _MARGIN * spread, high + _MARGIN * spread
    cases_own = [name.startswith("case_") for name in names]  # these are of the whole case
    low[cases_own], high[cases_own] = -np.inf, np.inf
    medians = np.stack([case.median for case in cases]).astype(float)
    case_middle = medians.mean(axis=0)
    case_scale = np.maximum(medians.std(axis=0), 0.1 * spread + 1e-6)
    sizes = [case.anatomy_cm3 for case in cases]
    deviation = np.square((medians - case_middle) / case_scale).mean(axis=1)
    head = Head(
        weights=weights,
        floors=floors,
        means=means,
        bias=float(level + np.log(gain) + model._baseline_prediction.item()),
        trees=_exported(model),
        bound_trees=Trees(*(np.zeros((0, n)) for n in (1, 1, 3))),  # type: ignore[arg-type]
        bound_factor=1.0,
        stranger_factor=1.0,
        low=low,
        high=high,
        case_middle=case_middle.astype(np.float32),
        case_scale=case_scale.astype(np.float32),
        case_limit=float(max(deviation.max(), 0.5)),
        outside_limit=0.0,
        anatomy_cm3=(min(sizes) / _SIZE_MARGIN, max(sizes) * _SIZE_MARGIN),
        facts={},
    )
    shares = [share_of_anatomy(case.anywhere, head.outside(case.anywhere)) for case in cases]
    return replace(head, outside_limit=max(shares))


def booster(**how: Any) -> Any:
    """Return scikit-learn's trees of the head's depth."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_depth=_DEPTH, max_bins=128, early_stopping=False, random_state=0, **how
    )


def _bound_trees(rows: _Rows, ratio: Array, which: NDArray[np.bool_]) -> Trees:
    """Fit the quantile of the logarithm of error / expected error."""
    model = booster(
        loss="quantile",
        quantile=LEVEL,
        max_iter=_BOUND_TREES,
        learning_rate=_BOUND_RATE,
        min_samples_leaf=_BOUND_LEAST,
    ).fit(rows.features[which], ratio[which], sample_weight=rows.weight[which])
    return _exported(model, float(model._baseline_prediction.item()))


def _exported(model: Any, add: float = 0.0) -> Trees:
    """Return scikit-learn's trees as complete ones; `add` goes to the first of them."""
    inner = 2**_DEPTH - 1
    count = len(model._predictors)
    feature = np.zeros((count, inner), np.uint8)
    threshold = np.full((count, inner), np.inf, np.float32)
    value = np.zeros((count, 2 * inner + 1), np.float32)
    for number, (predictor,) in enumerate(model._predictors):
        nodes = predictor.nodes
        means = nodes["value"].astype(float).copy()
        for n in range(len(nodes) - 1, -1, -1):  # children come after their parents
            if not nodes[n]["is_leaf"]:
                children = [int(nodes[n]["left"]), int(nodes[n]["right"])]
                means[n] = np.average(means[children], weights=nodes["count"][children])
        place = np.zeros(2 * inner + 1, int)
        for n in range(2 * inner + 1):
            node = nodes[place[n]]
            value[number, n] = means[place[n]] + (add if number == 0 else 0.0)
            if n >= inner:
                continue
            place[2 * n + 1] = place[2 * n + 2] = place[n]
            if not node["is_leaf"]:
                feature[number, n] = node["feature_idx"]
                threshold[number, n] = node["num_threshold"]
                place[2 * n + 1], place[2 * n + 2] = node["left"], node["right"]
    return Trees(feature, threshold, value)


def _provenance(cases: Sequence[Case], more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "software": f"TTAUncertainty {__version__}",
        "date": date.today().isoformat(),
        "images": [{"name": name} for name in sorted({s for c in cases for s in c.subjects})],
        "kinds": sorted({case.kind for case in cases}),
        "networks": sorted({case.network for case in cases}),
        "cases": len(cases),
        **more,
    }
