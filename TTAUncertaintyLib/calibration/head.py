"""The head: from features of any network's run to expected error and its bound.

    ln expected = bias + sum over cues of weight * ln max(cue, floor) + trees(features)
    ln bound    = ln expected + ln factor + trees(features)

The first sum is not cut off above, so that beyond everything seen the expected error goes on rising
with the cues, and is marked. The trees say what the sum leaves over.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..cues.features import FEATURES, Features
from ..cues.reasons import Reason
from ..errors import InputError
from ..geometry.stored import sha256
from ..resources import resources_folder
from .application import CalibratedMaps
from .trees import Trees

Array = NDArray[np.float32]

_SCHEMA = "ttauncertainty-head/1"

#: Voxels of the anatomy have more than none of it.
_DEPTH = list(FEATURES).index("depth")

#: The order of the reasons in arrays.
REASONS = tuple(Reason)


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted head.

    Parameters
    ----------
    weights
        float32 [F]: of the logarithm of each feature in the sum; 0 for those that are not in it.
    floors
        float32 [F]: the smallest value that the logarithm is taken of.
    means
        float32 [F]: mean logarithm over what the head was made from.
    bias
        Of the sum, at the means.
    trees, bound_trees
        What is left over, in logarithms.
    bound_factor
        Conformal, over subjects.
    stranger_factor
        The same for networks that had no part in the fit: conformal over networks as well.
    low, high
        float32 [F]: the range of each feature in what the head was made from.
    case_middle, case_scale
        float32 [F]: the cases' medians of each feature, and how far they scatter.
    case_limit
        The largest mean square deviation of a case from these that is still like them.
    outside_limit
        The largest share of a case's anatomy that is outside voxel by voxel and still like them.
    anatomy_cm3
        The least and the largest anatomy that is still like that of the cases.
    facts
        Level of the bound, provenance and figures, JSON-ready.
    sha256
        Of its file; "" where it was not read from one.
    """

    weights: Array
    floors: Array
    means: Array
    bias: float
    trees: Trees
    bound_trees: Trees
    bound_factor: float
    stranger_factor: float
    low: Array
    high: Array
    case_middle: Array
    case_scale: Array
    case_limit: float
    outside_limit: float
    anatomy_cm3: tuple[float, float]
    facts: Mapping[str, Any]
    sha256: str = ""

    def expected(self, rows: Array) -> Array:
        """Return the expected error of rows of features, mm, float32 [n]."""
        said = self._terms(rows).sum(axis=1) + self.trees.sum(rows)
        return np.asarray(np.exp(said + np.float32(self.bias)))

    def knows(self, model: str, spacing_mm: float) -> bool:
        """Tell whether a model, by its name, had a part in the fit on voxels of about this size."""
        return network_at(model, spacing_mm) in self.facts["provenance"]["networks"]

    def bound(self, rows: Array, expected: Array, known: bool) -> Array:
        """Return the bound that goes with an expected error, mm, float32 [n].

        `known` says whether the network had a part in the fit.
        """
        factor = self.bound_factor if known else self.stranger_factor
        ratio = factor * np.exp(self.bound_trees.sum(rows))
        return np.asarray(expected * ratio, np.float32)

    @property
    def usual_mm(self) -> float:
        """The expected error where nothing speaks for more or less."""
        return float(np.exp(self.bias + self.trees.bias))

    def reasons(self, rows: Array) -> Array:
        """Return what each reason adds to the logarithm of the expected error, [n, REASONS]."""
        groups = np.array([REASONS.index(reason) for reason in FEATURES.values()], np.intp)
        found = self.trees.shares(rows, groups, len(REASONS))
        for column, term in zip(self._summed, self._terms(rows).T, strict=True):
            found[:, groups[column]] += term
        return found

    def outside(self, rows: Array) -> NDArray[np.bool_]:
        """Return which rows have a feature outside the range of what the head was made from."""
        found = np.zeros(len(rows), np.bool_)
        for values, low, high in zip(rows.T, self.low, self.high, strict=True):
            found |= (values < low) | (values > high)
        return found

    def unlikeness(self, rows: Array) -> float:
        """Return how unlike a whole case is: its medians' mean square deviation, in limits."""
        medians = np.array([np.median(values) for values in rows.T])
        off = (medians - self.case_middle) / self.case_scale
        return float(np.square(off).mean() / self.case_limit)

    def maps(self, features: Features, model: str, spacing_mm: float) -> CalibratedMaps:
        """Return what the head says of a run of a model, by its name, on voxels of a size."""
        rows = features.values.numpy()
        expected = self.expected(rows)
        bound = self.bound(rows, expected, self.knows(model, spacing_mm))
        marked = self.outside(rows)
        unlike = "One image was given the other's contrast before"
        if not features.changed_contrast:
            unlike = self.why_unlike(rows, marked, features.anatomy_cm3)
        if unlike:
            marked[:] = True
            unlike += ": the whole of the expected error is marked as outside of what it knows."
        outside = torch.zeros(features.region.shape, dtype=torch.bool)
        outside[features.region] = torch.from_numpy(marked)
        return CalibratedMaps(
            features.on_lattice(torch.from_numpy(expected)),
            features.on_lattice(torch.from_numpy(bound)),
            outside,
            partial(self._reasons_within, features),
            unlike,
        )

    def why_unlike(self, rows: Array, marked: NDArray[np.bool_], anatomy_cm3: float) -> str:
        """Return why a whole case is unlike what the head was made from; "" if it is like it.

        `marked` is what `outside` says of the rows.
        """
        low, high = self.anatomy_cm3
        if not low <= anatomy_cm3 <= high:
            size = f"{anatomy_cm3:,.0f} cm3, not {low:,.0f} to {high:,.0f}"
            return f"The anatomy (what is shown and not background) has {size}"
        made = "unlike those that the expected error was made from"
        if self.unlikeness(rows) > 1:
            return f"The images or the answer are {made}"
        share = share_of_anatomy(rows, marked)
        if share > self.outside_limit:
            return f"In {100 * share:.0f} % of the anatomy the images or the answer are {made}"
        return ""

    def as_dict(self, model: str, spacing_mm: float) -> dict[str, Any]:
        """Return what the record of a run of a model says of it, JSON-ready."""
        known = self.knows(model, spacing_mm)
        return {
            "head": True,
            "model": model,
            "usual_mm": self.usual_mm,
            "error_bound": {"level": self.facts["level"], "network_known": known},
            "provenance": dict(self.facts["provenance"]),
        }

    def _reasons_within(self, features: Features, mask: NDArray[np.bool_]) -> Array:
        return self.reasons(features.values.numpy()[mask[features.region.numpy()]])

    @property
    def _summed(self) -> NDArray[np.intp]:
        """The features in the sum."""
        return np.flatnonzero(self.weights)

    def _terms(self, rows: Array) -> Array:
        """Return what each feature in the sum adds to it, [n, features in the sum]."""
        these = self._summed
        logs = np.log(np.maximum(rows[:, these], self.floors[these]))
        return np.asarray((logs - self.means[these]) * self.weights[these], np.float32)

    def save(self, path: Path) -> None:
        """Write the head, whole or not at all."""
        facts = {
            **self.facts,
            "schema": _SCHEMA,
            "features": list(FEATURES),
            "bias": self.bias,
            "bound_factor": self.bound_factor,
            "stranger_factor": self.stranger_factor,
            "case_limit": self.case_limit,
            "outside_limit": self.outside_limit,
            "anatomy_cm3": self.anatomy_cm3,
        }
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= self.trees.as_arrays("trees") | self.bound_trees.as_arrays("bound")
        partial = path.with_name(f".{path.stem}.partial.npz")
        try:
            np.savez_compressed(partial, facts=json.dumps(facts), **arrays)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def share_of_anatomy(rows: Array, marked: NDArray[np.bool_]) -> float:
    """Return the share of the anatomy's rows that is marked: around it there is less to go by."""
    inside = rows[:, _DEPTH] > 0
    return float(marked[inside].sum() / max(inside.sum(), 1))


def network_at(model: str, spacing_mm: float) -> str:
    """Return what a model on voxels of a size is called: it is a network of its own to the head."""
    return f"{model} at {round(2 * spacing_mm) / 2:g} mm"


_ARRAYS = ("weights", "floors", "means", "low", "high", "case_middle", "case_scale")


def read_head(path: Path) -> Head:
    """Read a head.

    Raises
    ------
    InputError
        If it is missing, damaged, or of other features than this software's.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(str(arrays["facts"]))
        if facts["schema"] != _SCHEMA or facts["features"] != list(FEATURES):
            raise InputError(f"The head {path} was made for another version of this software.")
        return Head(
            bias=float(facts["bias"]),
            trees=Trees.of_arrays(arrays, "trees"),
            bound_trees=Trees.of_arrays(arrays, "bound"),
            bound_factor=float(facts["bound_factor"]),
            stranger_factor=float(facts["stranger_factor"]),
            case_limit=float(facts["case_limit"]),
            outside_limit=float(facts["outside_limit"]),
            anatomy_cm3=(float(facts["anatomy_cm3"][0]), float(facts["anatomy_cm3"][1])),
            facts=facts,
            sha256=sha256(path),
            **{name: np.asarray(arrays[name], np.float32) for name in _ARRAYS},
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"The head {path} cannot be read: {error}.") from error


@lru_cache(maxsize=1)
def shipped_head() -> Head:
    """Return the head that comes with the software."""
    return read_head(resources_folder() / "Calibrations" / "head.npz")
